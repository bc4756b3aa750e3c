"""Names of districts and subdistricts, which no registry record holds: what the page writes above their scores."""

from __future__ import annotations

PLACES: dict[str, tuple[str, str]] = {
    "hp": ("黄浦区", "Huangpu"),
    "hp.nanjing-east": ("南京东路", "Nanjing Road East"),
    "hp.bund": ("外滩", "The Bund"),
    "hp.bansongyuan": ("半淞园路", "Bansongyuan Road"),
    "hp.xiaodongmen": ("小东门", "Xiaodongmen"),
    "hp.yuyuan": ("豫园", "Yuyuan"),
    "hp.laoximen": ("老西门", "Laoximen"),
    "hp.wuliqiao": ("五里桥", "Wuliqiao"),
    "hp.dapuqiao": ("打浦桥", "Dapuqiao"),
    "hp.huaihai-middle": ("淮海中路", "Huaihai Road Middle"),
    "hp.ruijin-2": ("瑞金二路", "Ruijin Road 2"),
}


def place_names(area_id: str) -> tuple[str, str]:
    """Return the Chinese and the English name of a tier's prefix; where none is known, its last label."""
    label = area_id.rsplit(".", 1)[-1]
    return PLACES.get(area_id, (label, label))
