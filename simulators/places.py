"""Huangpu on the map: its ten subdistricts, and what stands in each pilot unit.

The units themselves stand in ``deploy/catalogue/units.yaml``; here are only their ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DISTRICT = "hp"
GRIDS_PER_SUBDISTRICT = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Subdistrict:
    """One of the district's ten; its centre in degrees (WGS 84)."""

    id: str
    name_zh: str
    name_en: str
    lat: float
    lon: float


SUBDISTRICTS = (
    Subdistrict(id="nanjing-east", name_zh="南京东路", name_en="Nanjing Road East", lat=31.2375, lon=121.4800),
    Subdistrict(id="bund", name_zh="外滩", name_en="The Bund", lat=31.2370, lon=121.4885),
    Subdistrict(id="bansongyuan", name_zh="半淞园路", name_en="Bansongyuan Road", lat=31.2030, lon=121.4890),
    Subdistrict(id="xiaodongmen", name_zh="小东门", name_en="Xiaodongmen", lat=31.2180, lon=121.5010),
    Subdistrict(id="yuyuan", name_zh="豫园", name_en="Yuyuan", lat=31.2270, lon=121.4920),
    Subdistrict(id="laoximen", name_zh="老西门", name_en="Laoximen", lat=31.2170, lon=121.4840),
    Subdistrict(id="wuliqiao", name_zh="五里桥", name_en="Wuliqiao", lat=31.2020, lon=121.4790),
    Subdistrict(id="dapuqiao", name_zh="打浦桥", name_en="Dapuqiao", lat=31.2080, lon=121.4680),
    Subdistrict(id="huaihai-middle", name_zh="淮海中路", name_en="Huaihai Road Middle", lat=31.2220, lon=121.4770),
    Subdistrict(id="ruijin-2", name_zh="瑞金二路", name_en="Ruijin Road 2", lat=31.2160, lon=121.4640),
)

NANJING_BUILDING = "hp.nanjing-east.g03.nanjing-building"
TIANZIFANG = "hp.dapuqiao.g05.tianzifang"
CHUNJIANG = "hp.bansongyuan.g02.chunjiang"
QUXI_ROAD = "hp.wuliqiao.g02.quxi-road"
YUYANGLI = "hp.huaihai-middle.g04.yuyangli"
BUND = "hp.bund.g01"
BUND_CHENYI = f"{BUND}.bund-chenyi"
# Second units of each kind, in which near misses are played.
HUAIHAI_TOWER = "hp.huaihai-middle.g02.huaihai-tower"
LIYUAN = "hp.wuliqiao.g05.liyuan"
YUYUAN_SHOPS = "hp.yuyuan.g01.yuyuan-shops"
LAOXIMEN = "hp.laoximen.g03.laoximen-block"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pilot:
    """What a pilot unit always has: devices of each kind, and cameras in each of its zones."""

    devices: Mapping[str, int] = field(default_factory=dict)  # kind of device -> how many
    cameras_per_zone: int = 0


# What a pilot of each kind has besides lifts, gas and air: whatever a scenario may need there.
_ALL = {"smoke": 3, "heat": 2, "leak": 1, "meter": 3, "weather": 1, "chem": 1, "dose": 2}
BUILDING = _ALL | {"car": 2, "boiler": 1, "energy": 1, "struct": 1, "shelter": 1, "care": 2}
COMPOUND = _ALL | {"car": 2, "exit": 2, "bin": 3, "care": 4, "socket": 3, "gate": 1}
SHOPS = _ALL | {"boiler": 1, "main": 1, "road": 1, "bin": 2, "toilet": 1, "lot": 1}
BLOCK = _ALL | {"exit": 2, "main": 1, "road": 1, "site": 1, "struct": 1, "creek": 1, "soil": 1, "tree": 1}
SCENIC = _ALL | {"toilet": 1, "soil": 1, "tree": 1, "lot": 1, "loop": 1}

_BUND = {"temp": 1, "noise": 1, "air": 1}

PILOTS: Mapping[str, Pilot] = {
    HUAIHAI_TOWER: Pilot(devices={"lift": 2, "ch4": 2, "co": 1, "temp": 1, "noise": 1, "air": 1, "cam": 1} | BUILDING),
    LIYUAN: Pilot(devices={"lift": 2, "ch4": 2, "temp": 1, "noise": 1, "air": 1, "cam": 2} | COMPOUND),
    YUYUAN_SHOPS: Pilot(
        devices={"ch4": 2, "co": 1, "temp": 1, "noise": 1, "air": 1, "loop": 1} | SHOPS, cameras_per_zone=2
    ),
    LAOXIMEN: Pilot(devices={"ch4": 2, "co": 1, "temp": 1, "noise": 1, "air": 1, "cam": 2} | BLOCK),
    NANJING_BUILDING: Pilot(
        devices={"lift": 6, "ch4": 2, "co": 2, "temp": 2, "noise": 2, "air": 2, "cam": 2} | BUILDING
    ),
    TIANZIFANG: Pilot(devices={"temp": 3, "noise": 3, "air": 3, "ch4": 4} | SCENIC, cameras_per_zone=2),
    CHUNJIANG: Pilot(devices={"lift": 8, "ch4": 4, "temp": 3, "noise": 3, "air": 3, "cam": 4} | COMPOUND),
    QUXI_ROAD: Pilot(
        devices={"ch4": 8, "co": 4, "temp": 2, "noise": 2, "air": 2, "loop": 2} | SHOPS, cameras_per_zone=1
    ),
    YUYANGLI: Pilot(devices={"ch4": 6, "co": 2, "temp": 3, "noise": 3, "air": 3, "cam": 3} | BLOCK),
    BUND_CHENYI: Pilot(devices=_BUND | SCENIC, cameras_per_zone=2),
    f"{BUND}.bund-huangpu-park": Pilot(devices=_BUND, cameras_per_zone=2),
    f"{BUND}.bund-platform-north": Pilot(devices=_BUND, cameras_per_zone=2),
    f"{BUND}.bund-platform-middle": Pilot(devices=_BUND, cameras_per_zone=2),
    f"{BUND}.bund-platform-south": Pilot(devices=_BUND, cameras_per_zone=2),
    f"{BUND}.bund-nanjing-entrance": Pilot(devices=_BUND, cameras_per_zone=2),
}


def gateway_of(unit_id: str) -> str:
    """Return the gateway that speaks for a unit: one a subdistrict."""
    district, subdistrict = unit_id.split(".")[:2]
    return f"{district}-gw-{subdistrict}"
