"""Heads: trainable networks over one or more feature sets → one output per target.

A member is a module with one name, `Head`, a `pipeline.heads.base.Head`. Its options are a
`HeadParams` in `pipeline.heads.shared.params`.
"""
