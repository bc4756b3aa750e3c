"""Huangpu on the map: its ten subdistricts and the pilot units, with what stands in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.registry import Unit, UnitKind, Zone

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Pilot:
    """A pilot unit, the devices of each kind that it always has, and the skills of its own people."""

    unit: Unit
    devices: Mapping[str, int] = field(default_factory=dict)  # kind of device -> how many
    cameras_per_zone: int = 0
    skills: tuple[str, ...] = ("general",)


# What a pilot of each kind has besides lifts, gas and air: whatever a scenario may need there.
_ALL = {"smoke": 3, "heat": 2, "leak": 1, "meter": 3, "weather": 1, "chem": 1, "dose": 2}
BUILDING = _ALL | {"car": 2, "boiler": 1, "energy": 1, "struct": 1, "shelter": 1, "care": 2}
COMPOUND = _ALL | {"car": 2, "exit": 2, "bin": 3, "care": 4, "socket": 3, "gate": 1}
SHOPS = _ALL | {"boiler": 1, "main": 1, "road": 1, "bin": 2, "toilet": 1, "lot": 1}
BLOCK = _ALL | {"exit": 2, "main": 1, "road": 1, "site": 1, "struct": 1, "creek": 1, "soil": 1, "tree": 1}
SCENIC = _ALL | {"toilet": 1, "soil": 1, "tree": 1, "lot": 1, "loop": 1}


def _unit(
    unit_id: str, kind: UnitKind, names: tuple[str, str], place: tuple[float, float], zones: tuple[Zone, ...] = ()
) -> Unit:
    noise_class = 1 if kind == "compound" else 2
    return Unit(
        unit_id=unit_id, kind=kind, name_zh=names[0], name_en=names[1], lat=place[0], lon=place[1], zones=zones,
        responsible=f"{DISTRICT}-own-{unit_id.rsplit('.', 1)[1]}", noise_class=noise_class,
    )  # fmt: skip


def _bund(name: str, name_zh: str, name_en: str, lat: float, *zones: Zone) -> Pilot:
    unit = _unit(f"hp.bund.g01.{name}", "scenic-area", (name_zh, name_en), (lat, 121.4903), zones)
    devices = {"temp": 1, "noise": 1, "air": 1} | (SCENIC if name == "bund-chenyi" else {})
    return Pilot(unit=unit, devices=devices, cameras_per_zone=2, skills=("general", "crowd"))


NANJING_BUILDING = Pilot(
    unit=_unit(
        "hp.nanjing-east.g03.nanjing-building", "building", ("南京大楼", "Nanjing Building"), (31.2372, 121.4792)
    ),
    devices={"lift": 6, "ch4": 2, "co": 2, "temp": 2, "noise": 2, "air": 2, "cam": 2} | BUILDING,
    skills=("general", "lift"),
)
TIANZIFANG = Pilot(
    unit=_unit(
        "hp.dapuqiao.g05.tianzifang", "scenic-area", ("田子坊", "Tianzifang"), (31.2100, 121.4660),
        (
            Zone(zone_id="tianzifang-lane-210", area_m2=420, place="walkway", capacity=900, exits_m=5),
            Zone(zone_id="tianzifang-lane-248", area_m2=380, place="walkway", capacity=800, exits_m=4),
            Zone(zone_id="tianzifang-court", area_m2=260, place="standing", capacity=650, exits_m=6),
        ),
    ),
    devices={"temp": 3, "noise": 3, "air": 3, "ch4": 4} | SCENIC,
    cameras_per_zone=2,
    skills=("general", "crowd"),
)  # fmt: skip
CHUNJIANG = Pilot(
    unit=_unit("hp.bansongyuan.g02.chunjiang", "compound", ("春江小区", "Chunjiang Compound"), (31.2041, 121.4875)),
    devices={"lift": 8, "ch4": 4, "temp": 3, "noise": 3, "air": 3, "cam": 4} | COMPOUND,
    skills=("general", "lift"),
)
QUXI_ROAD = Pilot(
    unit=_unit(
        "hp.wuliqiao.g02.quxi-road", "shops", ("瞿溪路沿街商铺", "Quxi Road Shops"), (31.2050, 121.4770),
        (
            Zone(zone_id="quxi-road-west", area_m2=900, place="walkway", capacity=1_300, exits_m=12),
            Zone(zone_id="quxi-road-middle", area_m2=1_100, place="walkway", capacity=1_600, exits_m=14),
            Zone(zone_id="quxi-road-east", area_m2=800, place="walkway", capacity=1_200, exits_m=12),
        ),
    ),
    devices={"ch4": 8, "co": 4, "temp": 2, "noise": 2, "air": 2, "loop": 2} | SHOPS,
    cameras_per_zone=1,
)  # fmt: skip
YUYANGLI = Pilot(
    unit=_unit("hp.huaihai-middle.g04.yuyangli", "block", ("渔阳里", "Yuyangli Block"), (31.2205, 121.4665)),
    devices={"ch4": 6, "co": 2, "temp": 3, "noise": 3, "air": 3, "cam": 3} | BLOCK,
)
BUND_CHENYI = _bund(
    "bund-chenyi", "外滩陈毅广场", "The Bund, Chen Yi Square", 31.2388,
    Zone(zone_id="bund-chenyi-square", area_m2=2_900, place="standing", capacity=7_000, exits_m=30),
    Zone(zone_id="bund-chenyi-stairs", area_m2=170, place="stair", capacity=340, exits_m=6),
)  # fmt: skip
# Second units of each kind, in which near misses are played.
HUAIHAI_TOWER = Pilot(
    unit=_unit("hp.huaihai-middle.g02.huaihai-tower", "building", ("淮海大楼", "Huaihai Tower"), (31.2215, 121.4745)),
    devices={"lift": 2, "ch4": 2, "co": 1, "temp": 1, "noise": 1, "air": 1, "cam": 1} | BUILDING,
    skills=("general", "lift"),
)
LIYUAN = Pilot(
    unit=_unit("hp.wuliqiao.g05.liyuan", "compound", ("丽园小区", "Liyuan Compound"), (31.2062, 121.4825)),
    devices={"lift": 2, "ch4": 2, "temp": 1, "noise": 1, "air": 1, "cam": 2} | COMPOUND,
    skills=("general", "lift"),
)
YUYUAN_SHOPS = Pilot(
    unit=_unit(
        "hp.yuyuan.g01.yuyuan-shops", "shops", ("豫园商铺", "Yuyuan Shops"), (31.2275, 121.4905),
        (Zone(zone_id="yuyuan-shops-lane", area_m2=950, place="walkway", capacity=1_400, exits_m=12),),
    ),
    devices={"ch4": 2, "co": 1, "temp": 1, "noise": 1, "air": 1, "loop": 1} | SHOPS,
    cameras_per_zone=2,
)  # fmt: skip
LAOXIMEN = Pilot(
    unit=_unit("hp.laoximen.g03.laoximen-block", "block", ("老西门街坊", "Laoximen Block"), (31.2172, 121.4838)),
    devices={"ch4": 2, "co": 1, "temp": 1, "noise": 1, "air": 1, "cam": 2} | BLOCK,
)
PILOTS = (
    HUAIHAI_TOWER,
    LIYUAN,
    YUYUAN_SHOPS,
    LAOXIMEN,
    NANJING_BUILDING,
    TIANZIFANG,
    CHUNJIANG,
    QUXI_ROAD,
    YUYANGLI,
    BUND_CHENYI,
    _bund(
        "bund-huangpu-park", "外滩黄浦公园", "The Bund, Huangpu Park", 31.2432,
        Zone(zone_id="bund-huangpu-park", area_m2=8_200, place="standing", capacity=12_000, exits_m=40),
    ),
    _bund(
        "bund-platform-north", "外滩观景平台北段", "The Bund, viewing platform north", 31.2408,
        Zone(zone_id="bund-platform-north", area_m2=5_400, place="walkway", capacity=9_000, exits_m=24),
    ),
    _bund(
        "bund-platform-middle", "外滩观景平台中段", "The Bund, viewing platform middle", 31.2370,
        Zone(zone_id="bund-platform-middle", area_m2=6_100, place="walkway", capacity=10_000, exits_m=26),
    ),
    _bund(
        "bund-platform-south", "外滩观景平台南段", "The Bund, viewing platform south", 31.2340,
        Zone(zone_id="bund-platform-south", area_m2=5_800, place="walkway", capacity=9_500, exits_m=24),
    ),
    _bund(
        "bund-nanjing-entrance", "外滩南京东路口", "The Bund, Nanjing Road entrance", 31.2392,
        Zone(zone_id="bund-nanjing-entrance", area_m2=1_300, place="walkway", capacity=2_600, exits_m=18),
    ),
)  # fmt: skip


def gateway_of(unit_id: str) -> str:
    """Return the gateway that speaks for a unit: one a subdistrict."""
    district, subdistrict = unit_id.split(".")[:2]
    return f"{district}-gw-{subdistrict}"
