"""Corpora: a root folder as its authors ship it → clips, targets and frame labels.

A member is a module with one name, `read(params) -> Corpus`. It reads names, tables and folders,
and where frames are labelled when each is shown, but never decodes media. It gives clips in a fixed
order (sorted by `clip_id`), turns the corpus's invalid marks (-5, -1) into None, and raises
CorpusError where the folder is not the corpus. Its options are a `CorpusParams` in
`pipeline.labels.corpora.params`.
"""
