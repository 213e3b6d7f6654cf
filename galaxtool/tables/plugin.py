"""The table formats that come with galaxtool."""

from __future__ import annotations

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import TableFormatSpec


@hookimpl
def register_table_formats() -> list[TableFormatSpec]:
    """Register CSV, ECSV, FITS, VOTable and Parquet."""
    return [
        TableFormatSpec(
            name="csv",
            summary="comma-separated values with a header line",
            factory="galaxtool.tables.formats.csv:CsvFormat",
            suffixes=(".csv", ".csv.gz"),
        ),
        TableFormatSpec(
            name="ecsv",
            summary="CSV with types, units and descriptions, of astropy",
            factory="galaxtool.tables.formats.ecsv:EcsvFormat",
            suffixes=(".ecsv", ".ecsv.gz"),
        ),
        TableFormatSpec(
            name="fits",
            summary="FITS binary table",
            factory="galaxtool.tables.formats.fits:FitsTableFormat",
            suffixes=(".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fts.gz"),
        ),
        TableFormatSpec(
            name="votable",
            summary="VOTable of the Virtual Observatory",
            factory="galaxtool.tables.formats.votable:VOTableFormat",
            suffixes=(".vot", ".votable", ".xml", ".vot.gz", ".votable.gz", ".xml.gz"),
        ),
        TableFormatSpec(
            name="parquet",
            summary="Apache Parquet",
            factory="galaxtool.tables.formats.parquet:ParquetFormat",
            suffixes=(".parquet", ".pq"),
        ),
    ]
