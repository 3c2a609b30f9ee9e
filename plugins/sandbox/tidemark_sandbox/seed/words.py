"""Pools of words: names, places and the texts that break careless programs."""

from __future__ import annotations

from itertools import product

#: Statuses in the order of a parcel's life.
STATUSES = (
    "ORDER_RECEIVED",
    "PICKUP_FAILED",
    "PICKED_UP",
    "IN_TRANSIT",
    "CUSTOMS_FAILED",
    "AT_WAREHOUSE",
    "OUT_FOR_DELIVERY",
    "DELIVERY_FAILED",
    "DELIVERED",
    "RETURNED",
)
RETURNED = STATUSES.index("RETURNED")

#: What becomes of parcels, and how often: (weight, statuses).
LIVES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (22, ("IN_TRANSIT", "OUT_FOR_DELIVERY", "DELIVERED")),
    (20, ("ORDER_RECEIVED", "IN_TRANSIT", "OUT_FOR_DELIVERY", "DELIVERED")),
    (18, ("IN_TRANSIT", "DELIVERED")),
    (10, ("ORDER_RECEIVED", "PICKED_UP", "IN_TRANSIT", "OUT_FOR_DELIVERY", "DELIVERED")),
    (8, ("IN_TRANSIT", "AT_WAREHOUSE", "OUT_FOR_DELIVERY", "DELIVERED")),
    (
        6,
        (
            "ORDER_RECEIVED",
            "IN_TRANSIT",
            "OUT_FOR_DELIVERY",
            "DELIVERY_FAILED",
            "OUT_FOR_DELIVERY",
            "DELIVERED",
        ),
    ),
    (4, ("IN_TRANSIT", "OUT_FOR_DELIVERY", "DELIVERY_FAILED", "RETURNED")),
    (3, ("ORDER_RECEIVED", "PICKED_UP", "IN_TRANSIT", "CUSTOMS_FAILED", "RETURNED")),
    (3, ("ORDER_RECEIVED", "PICKUP_FAILED", "PICKED_UP", "IN_TRANSIT", "DELIVERED")),
    (2, ("ORDER_RECEIVED", "PICKUP_FAILED")),
    (2, ("IN_TRANSIT", "OUT_FOR_DELIVERY", "DELIVERY_FAILED")),
    (1, ("IN_TRANSIT", "CUSTOMS_FAILED")),
    (1, ("IN_TRANSIT",)),
)

#: Texts that must arrive as they are, wherever text may stand.
HARD_TEXTS = (
    "",
    "NULL",
    "\\N",
    "null",
    "None",
    "NaN",
    'He said "leave it, please"',
    '"',
    '""',
    "'; DROP TABLE parcels; --",
    "C:\\temp\\new",
    "ends with a backslash\\",
    "Unit 5,\tFloor 2",
    "12 Main St\nRear entrance",
    "12 Main St\r\nBuzz 4",
    "a|b;c,d",
    "  blanks at the edges  ",
    "北京市朝阳区建国路88号",
    "上海市浦东新区「世纪大道」100号",
    "서울특별시 강남구 테헤란로 1",
    "1 rue de l'Église, Trois-Rivières (Québec)",
    "Ça & là — n° 7, œuvre d'Éloïse",
    "📦 leave at the door 🚪",
    "👩‍👩‍👧 family of 3 🇨🇦",
    "0",
    "-",
    "é" * 127,
)

_STREETS = (
    "Main St",
    "King Street West",
    "rue Sainte-Catherine",
    "boul. René-Lévesque",
    "chemin de la Côte-des-Neiges",
    "Yonge St",
    "Granville Street",
    "Jasper Avenue",
    "avenue du Mont-Royal",
    "No. 3 Road",
    "中山路",
    "Portage Avenue",
)
_EXTRAS = ("", ", Unit 5", ", Apt. 1204", ", bureau 300", " #2", " (back door)", ", 3楼")
ADDRESSES = tuple(
    f"{number} {street}{extra}"
    for number, street, extra in product(range(11, 1900, 43), _STREETS, _EXTRAS)
)

_GIVEN = (
    "Anne",
    "Zoë",
    "François",
    "Noémie",
    "Liam",
    "Olivia",
    "Siân",
    "王",
    "李",
    "Mohammed",
    "Ngọc",
    "Søren",
    "Łukasz",
    "D'Arcy",
)
_FAMILY = (
    "Tremblay",
    "Côté",
    "Bélanger",
    "Smith",
    "O'Neil",
    "Nguyễn",
    "Singh",
    "小明",
    "秀英",
    "MacDonald",
    "García",
    "Müller-Lüdenscheidt",
    "Gagné",
    "Brown",
)
NAMES = tuple(f"{given} {family}" for given, family in product(_GIVEN, _FAMILY))

#: Province, its airports, first letters of its postal codes.
PROVINCES = (
    ("Ontario", "YYZ", "M"),
    ("Québec", "YUL", "H"),
    ("British Columbia", "YVR", "V"),
    ("Alberta", "YYC", "T"),
    ("Manitoba", "YWG", "R"),
    ("Nova Scotia", "YHZ", "B"),
    ("Saskatchewan", "YQR", "S"),
    ("New Brunswick", "YQM", "E"),
)
QUEBEC = 1
WAREHOUSES = ("YYZ-1", "YYZ-2", "YUL-1", "YVR-1", "YYC-1", "YWG-1")
CURRENCIES = ("CAD", "USD", "CNY")
REASONS = (
    "Lost in transit",
    "Damaged: box crushed",
    "Adresse introuvable",
    "Refused by consignee",
    "拒收",
    "Wrong item, per seller's note",
    "Delay > 30 days",
)
REMARKS = (
    "Called twice, no answer",
    "Client absent — laissé un avis",
    "客户要求改天派送",
    'See ticket #4411, "urgent"',
    "ok 👍",
)
PARTNER_TYPES = ("MARKETPLACE", "SELLER", "CARRIER", "BROKER")
REGIONS = (
    ("Canada", "Ontario"),
    ("Canada", "Québec"),
    ("United States", "California"),
    ("中国", "广东"),
    ("中国", "浙江"),
    ("France", "Île-de-France"),
    ("South Korea", "서울"),
)
BILLING_STATUSES = ("OPEN", "ISSUED", "PAID", "DISPUTED", "VOID")
SOURCES = ("SCANNER", "DRIVER_APP", "PARTNER_API", "MANUAL")
