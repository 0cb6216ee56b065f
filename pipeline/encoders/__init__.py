"""Encoders: frozen networks and signal transforms, a batch of clips → rows of embeddings.

A member is a module with the name `Encoder`, an `encoders.contract.Encoder`, and where its like
(`encoders.shared.facts`, `weights`) have it otherwise

- `FACTS`, licence and needs;
- `place_weights(params) -> Path`, the file of weights that are no folder, package or Hub id;
  raises ParamsError where it is not there;
- `find_licence(params) -> str | None`, what that file is under, in the Hub's words;
- `Encoder.run`, a `FrameRun`: what each of its rows depends on. Long clips of an encoder that has
  one are encoded piece by piece.

Its options are a `FeatureParams` in `pipeline.encoders.params`. One member encodes nothing: its
`Encoder` is a `Recall`.
"""
