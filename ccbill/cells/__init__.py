"""What runs in a process of its own: it opens a workbook and hands over its cells as text.

A workbook is unpacked and parsed by code that a damaged or hostile file can bring to a halt, so
`ccbill.intake.child` starts this package under limits. It imports nothing else of ccbill, so that
it starts at once.
"""
