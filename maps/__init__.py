"""Pages people look at: the exported map, the workbook and every word a reader sees."""
