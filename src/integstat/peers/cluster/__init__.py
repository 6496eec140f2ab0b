"""Five clustering algorithms for small tables, as estimators and in bulk.

All five work on the distinct rows of a table in sorted order, each with the number of its copies as weight. So copies never
part, the order of rows cannot matter, and where two choices are equally good the earlier row decides.
"""
