"""The words that stand for parameters of COPY and UNLOAD, by what follows them."""

from __future__ import annotations

TEXT = frozenset(
    [
        "IAM_ROLE",
        "CREDENTIALS",
        "ACCESS_KEY_ID",
        "SECRET_ACCESS_KEY",
        "SESSION_TOKEN",
        "REGION",
        "DELIMITER",
        "QUOTE",
        "NULL",
        "DATEFORMAT",
        "TIMEFORMAT",
        "KMS_KEY_ID",
        "EXTENSION",
        "FIXEDWIDTH",
        "MASTER_SYMMETRIC_KEY",
    ]
)
NUMBER = frozenset(
    ["MAXERROR", "IGNOREHEADER", "COMPROWS", "READRATIO", "MAXFILESIZE", "ROWGROUPSIZE"]
)
SWITCH = frozenset(["STATUPDATE", "COMPUPDATE", "PARALLEL"])
FLAG = frozenset(
    [
        "CSV",
        "GZIP",
        "ZSTD",
        "BZIP2",
        "LZOP",
        "MANIFEST",
        "EMPTYASNULL",
        "BLANKSASNULL",
        "TRUNCATECOLUMNS",
        "TRIMBLANKS",
        "FILLRECORD",
        "IGNOREBLANKLINES",
        "IGNOREALLERRORS",
        "ROUNDEC",
        "EXPLICIT_IDS",
        "ACCEPTANYDATE",
        "NOLOAD",
        "ESCAPE",
        "REMOVEQUOTES",
        "PARQUET",
        "ORC",
        "AVRO",
        "JSON",
        "SHAPEFILE",
        "HEADER",
        "SERIALIZETOJSON",
        "ADDQUOTES",
        "ALLOWOVERWRITE",
        "CLEANPATH",
        "ENCRYPTED",
        "AUTO",
        "SSH",
        "VERBOSE",
    ]
)
REFUSED = frozenset(
    [
        "FIXEDWIDTH",
        "BZIP2",
        "LZOP",
        "ORC",
        "AVRO",
        "JSON",
        "SHAPEFILE",
        "ENCRYPTED",
        "SSH",
        "READRATIO",
        "KMS_KEY_ID",
        "IGNOREALLERRORS",
        "SERIALIZETOJSON",
        "MASTER_SYMMETRIC_KEY",
        "VERBOSE",
    ]
)
SWITCH_VALUES = frozenset(["ON", "OFF", "TRUE", "FALSE", "PRESET"])
FORMATS = frozenset(
    ["CSV", "PARQUET", "ORC", "AVRO", "JSON", "SHAPEFILE", "DELIMITER", "FIXEDWIDTH"]
)
ENCODINGS = frozenset(["UTF8", "UTF16", "UTF16LE", "UTF16BE", "ISO88591"])

#: What COPY takes with FORMAT AS PARQUET ("COPY from columnar data formats").
COLUMNAR = frozenset(
    [
        "PARQUET",
        "IAM_ROLE",
        "CREDENTIALS",
        "ACCESS_KEY_ID",
        "SECRET_ACCESS_KEY",
        "SESSION_TOKEN",
        "STATUPDATE",
        "MANIFEST",
        "EXPLICIT_IDS",
        "FILLRECORD",
        "ACCEPTINVCHARS",
        "REGION",
    ]
)

NOT_IN_CSV = frozenset(["FIXEDWIDTH", "REMOVEQUOTES", "ESCAPE", "ADDQUOTES"])

#: COPY has none of these.
UNLOAD_ONLY = frozenset(
    [
        "HEADER",
        "ADDQUOTES",
        "ALLOWOVERWRITE",
        "CLEANPATH",
        "PARALLEL",
        "MAXFILESIZE",
        "ROWGROUPSIZE",
        "EXTENSION",
    ]
)

#: Each is read in its own way.
OTHER = frozenset(["ACCEPTINVCHARS", "ENCODING", "PARTITION"])
