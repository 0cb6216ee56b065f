"""Files damaged and forged: whoever reads one reads it, or says in a sentence what is wrong.

Each file of a project that ran is changed in its turn, what its bytes say or the bytes themselves,
and where a digest guards it, the digest is made to agree. A few changes run with the suite;
`make fuzz` goes on for minutes with each file.
"""

import io
import json
import os
import re
import resource
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from dvc.repo import Repo
from fastapi.responses import JSONResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.cleaning.alikes import count_across, read_alikes
from pipeline.cli import main
from pipeline.cli.faces import write_faces
from pipeline.encoders.params import ENCODERS
from pipeline.errors import MoodlineError
from pipeline.evaluation.params import EvaluateParams
from pipeline.files import digest_file, remove
from pipeline.heads.building import load_heads
from pipeline.imports.importing import import_features
from pipeline.labels.clip_labels import read_targets as read_target_table
from pipeline.labels.clip_labels import read_trained
from pipeline.labels.clips import CLEAN_SCHEMA, LABELS_SCHEMA, read_clips
from pipeline.labels.corpora.params import TableParams
from pipeline.labels.labelling import label_corpora, write_labels
from pipeline.labels.overrides import read_overrides
from pipeline.labels.overview import read_overview
from pipeline.labels.params import SplitParams
from pipeline.labels.reading import read_corpus as read_whole
from pipeline.labels.runs import find_overlaps, list_runs, split_clips
from pipeline.live.sessions import Sessions
from pipeline.merging import merge_locks
from pipeline.params import ask_head, load_params, parse_corpora, parse_feature, read_yaml
from pipeline.predictor.bundling import bundle_head
from pipeline.predictor.predictor import Predictor
from pipeline.predictor.tables import pack_csv
from pipeline.presets import find_preset
from pipeline.presets.tables import draft_params
from pipeline.report.contact_sheet import write_sheet
from pipeline.report.face_summaries import read_counts
from pipeline.report.head_page import write_head_page
from pipeline.report.index_page import Overview, write_index_page
from pipeline.report.judging import judge_head
from pipeline.report.labels_page import write_labels_page
from pipeline.report.overview import compare_opened, read_ledgers
from pipeline.report.params import ReportParams
from pipeline.report.summary import read_summaries
from pipeline.store.header import digest_tree, seal_header
from pipeline.store.joint import join_sets, list_members
from pipeline.store.ledger import read_ledger
from pipeline.store.reader import open_store
from pipeline.store.seeding import FormerStore
from pipeline.targets import TARGETS
from pipeline.training.saving import train_head
from pipeline.windows.labels import read_labels
from tests.damage import Damage, damage_bytes, damage_json, damage_table, damage_text
from tests.encoders.test_huggingface_text import save_model, save_tokenizer
from tests.imports.forms import FORMS, ask
from tests.projects import FirstRun
from tests.stores import make_rows, write_features
from tests.tiny_models import save_mobilefacenet, save_speech_model, save_vision_model

MINUTES = float(os.environ.get("MOODLINE_FUZZ_MINUTES", "0"))
"""Time for each file; without any, it is changed a few times, the same in each run."""

MOST_KILOBYTES = 2_000_000
"""That reading a file may add to what the process has taken."""

Read = Callable[[Path], object]


REFUSALS: list[str] = []
"""What readers of the last file said."""

ELSEWHERE = ("params.yaml: ", "pixels: ", "splits: ")
"""Places of mistakes that a file leads to."""


def attempt(path: Path, read: Callable[..., object], *arguments: object) -> None:
    """`read`, which may refuse what it is given, and then says what is wrong and where."""
    places = ("/".join(path.parts[:2]), path.name, path.parent.name, *ELSEWHERE)
    try:
        read(*arguments)
    except MoodlineError as error:
        REFUSALS.append(str(error))
        assert any(place in REFUSALS[-1] for place in places), REFUSALS[-1]


def call(*arguments: str) -> None:
    """Run a command; raises MoodlineError, with all that it tells, where it ends with status 1."""
    told, blamed = io.StringIO(), io.StringIO()
    with redirect_stdout(told), redirect_stderr(blamed), pytest.raises(SystemExit) as ended:
        main(arguments)
    if isinstance(ended.value.code, str):
        raise MoodlineError(told.getvalue() + ended.value.code)


def find_store(path: Path) -> Path:
    """The store that a file lies in."""
    return next(folder for folder in path.parents if (folder / "store.json").is_file())


def read_rows(path: Path) -> None:
    """All rows of a store."""
    store = open_store(path)
    store.list_records()
    for clip_id in store:
        store.slice_clip(clip_id)


def read_store(path: Path) -> None:
    store = find_store(path)
    attempt(path, call, "verify", str(store))
    attempt(path, call, "inspect", str(store))
    attempt(path, call, "diff", str(store), str(store))
    attempt(path, read_rows, store)


CLIP = "table/speaker_01/1"


def read_features(path: Path) -> None:
    """A feature set, and what training makes of it."""
    read_store(path)
    attempt(path, train)


def train() -> None:
    asked = ask_head(read_yaml(), "sound")
    labels = read_labels(Path("data/targets"))
    train_head(asked, Path("features"), labels, Path("made/sound"))


def read_faces(path: Path) -> None:
    """Faces, and the pages that show them."""
    read_store(path)
    attempt(path, write_sheet, Path("data"), Path("made/sheet.svg"), Path("made/faces.json"))
    attempt(path, write_faces, Path("data"), None, Path("made/faces.html"), 5)
    attempt(
        path, write_faces, Path("data"), CLIP, Path("made/clip.html"), 5, parse_corpora(read_yaml())
    )


def read_joint_set(path: Path) -> None:
    attempt(path, call, "verify", str(path.parent))
    attempt(path, call, "inspect", str(path.parent))
    attempt(path, list_members, path.parent)


def read_head(path: Path) -> None:
    head, judged = path.parent, EvaluateParams(test=True, resamples=20)
    clips = read_clips(Path("data/labels/clips.parquet"), LABELS_SCHEMA)
    attempt(path, call, "verify", str(head))
    attempt(path, call, "inspect", str(head))
    attempt(path, call, "rebuild", str(head), "--out", "rebuilt.yaml", "--force")
    attempt(path, load_heads, head)
    attempt(path, judge_head, head, clips, judged)


def write_labels_overview() -> None:
    """The page of labels."""
    overview = read_overview(Path("data/labels"), Path("data/targets"), Path("data/clips"))
    write_labels_page(Path("page.html"), overview)


def write_pages() -> None:
    """The pages of a head and of all."""
    params = EvaluateParams(test=True, resamples=20)
    heads = read_summaries(Path("models"), Path("reports/heads"), ["both", "sound"])
    write_head_page(Path("page.html"), heads[0], params)
    overview = Overview(
        heads=heads,
        comparisons=compare_opened(heads, params),
        ledger=read_ledgers(heads, Path("data"), Path("features")),
        alike=count_across(
            read_alikes(Path("data/clips/alikes.parquet")),
            read_target_table(Path("data/targets/targets.parquet")),
        ),
        faces=read_counts(Path("reports/faces.json")),
        params_yaml="",
        report=ReportParams(),
        evaluate=params,
    )
    write_index_page(Path("page.html"), overview)


def read_bundle(path: Path) -> None:
    """A head that came in a folder, before anything is predicted by it."""
    attempt(path, Predictor.from_pretrained, path.parent)


def keep_session(folder: Path) -> None:
    """Keep a session with an answer, a look, a mark and the beginning of a film."""
    sessions = Sessions(folder)
    session = sessions.begin({"head": "both", "emotions": ["happy"]}, "first", record=True)
    answer = {"emotions": {"happy": 0.75}, "ratings": {"valence": -0.5}, "modalities": ["face"]}
    answer |= {"dominant_emotion": "happy", "confidence": 0.75, "latency_seconds": 0.25}
    face = {"person": 2, "box": [0.1, 0.2, 0.3, 0.4], "score": 0.9, "chosen": True}
    session.add({"type": "answer", "seconds": 1.5, "person": 2, **answer})
    session.add({"type": "faces", "seconds": 1.5, "people": [face]})
    session.add({"type": "mark", "seconds": 2.5, "text": "laughs"})
    session.add_recording(0.5, b"film")
    sessions.end(session)


def read_session(path: Path) -> None:
    """A session that was kept, as the service shows it."""
    sessions, name = Sessions(path.parents[1]), path.parent.name
    JSONResponse(sessions.list())
    attempt(path, lambda: JSONResponse(sessions.open(name)))
    attempt(path, lambda: pack_csv(sessions.tabulate(name)))


def read_reports(path: Path) -> None:
    attempt(path, call, "summary")
    attempt(path, write_pages)


def read_params(path: Path) -> None:
    attempt(path, load_params, path)
    attempt(path, call, "encoders")


def read_corpus(path: Path) -> None:
    """What `labels` and `moodline preset table` make of a table."""
    root = str(path.parent)
    params = TableParams(kind="table", root=root, depends_on=root, table=path.name)
    attempt(path, draft_params, find_preset("table").path, path.parent)
    attempt(path, label, params)


def label(params: TableParams) -> None:
    splits, read = SplitParams(protocol="folds", folds=3), {"own": read_whole(params, "own")}
    labelled = label_corpora(
        read, {"own": params}, splits, Path("data/overrides.csv"), Path("data/splits.csv")
    )
    overlaps = find_overlaps(labelled.clips, labelled.targets)
    assert all(isinstance(overlap, str) for overlap in overlaps)
    write_labels(labelled, Path("made/labels"), Path("made/targets"))


def read_decisions(path: Path) -> None:
    attempt(path, read_overrides, path)


def read_targets(path: Path) -> None:
    attempt(path, number_labels, path.parent)
    attempt(path, write_labels_overview)


def number_labels(folder: Path) -> None:
    labels = read_labels(folder)
    for clip_id in labels.targets:
        for target in TARGETS:
            labels.values(clip_id, target)
    assert labels.step_seconds >= 0
    for run in list_runs(labels.targets.values()):
        split_clips(labels.targets.values(), run)


def read_clip_table(path: Path) -> None:
    schema = CLEAN_SCHEMA if path.parent.name == "clips" else LABELS_SCHEMA
    attempt(path, call, "verify", str(path))
    attempt(path, call, "inspect", str(path))
    attempt(path, read_clips, path, schema)
    attempt(path, write_labels_overview)


def read_trained_clips(path: Path) -> None:
    attempt(path, read_trained, path)


def read_kept_clips(path: Path) -> None:
    attempt(path, read_ledger, path)


def read_listing(path: Path) -> None:
    """DVC's list of the files of a store, as it is read before any of them is fetched."""
    with Repo(".") as repo:
        digest = path.parent.name + path.name
        attempt(path, lambda: FormerStore(repo, Path("features/mfcc"), digest).files)


def read_lock(path: Path) -> None:
    base, ours = path.with_name("base.lock"), path.with_name("ours.lock")
    shutil.copy(base, ours)
    attempt(path, merge_locks, base, ours, path)
    attempt(path, merge_locks, path, ours, base)


def read_import(path: Path) -> None:
    """What `moodline import` makes of a file, or of the folder that it lies in."""
    whole = path.parents[1] if path.suffix == ".arrow" else path
    form = FORMS[path.parts[1]]
    remove(Path("made/imported"))
    attempt(path, import_features, [whole], Path("made/imported"), ask(form.ids))


def load_encoder(path: Path) -> None:
    """The encoder that the weights are for, which lie below its name."""
    name, weights = path.parts[1], "/".join(path.parts[:3])
    section = {"modality": WEIGHTS[name][0], "encoder": name, "weights": weights}
    params = parse_feature({"features": {"some": section}}, "some")
    attempt(path, ENCODERS.load(name).Encoder, params)


def seal(path: Path) -> None:
    """Have a header's digest cover what the header says now."""
    header = json.loads(path.read_bytes())
    if isinstance(header, dict):
        body = {key: header[key] for key in header if key not in ("format_version", "digest")}
        with suppress(ValueError):  # NaN and infinity, which no header has
            path.write_text(seal_header(body))


def agree_store(path: Path) -> None:
    """Have the header of a store name the digests that its files have now."""
    store = find_store(path)
    header = json.loads((store / "store.json").read_bytes())
    header["digests"] = {name: digest_tree(store / name) for name in header["digests"]}
    (store / "store.json").write_text(json.dumps(header))
    seal(store / "store.json")


def agree_head(path: Path) -> None:
    """Have a recipe name the digests of the files beside it."""
    recipe = json.loads((path.parent / "recipe.json").read_bytes())
    for key, name in (("weights", "model.safetensors"), ("predictions", "predictions.parquet")):
        recipe[f"{key}_digest"] = digest_file(path.parent / name)
    (path.parent / "recipe.json").write_text(json.dumps(recipe))


@dataclass(frozen=True)
class Case:
    """A file of a project that ran, ways to change it, and who reads it.

    `agree` makes the digests agree that `guard`, a file beside it, has of it.
    """

    place: str
    ways: tuple[Damage, ...]
    read: Read
    agree: Callable[[Path], None] = lambda _: None
    guard: str = ""


WEIGHTS: Mapping[str, tuple[str, Sequence[str]]] = {
    "huggingface_vision": ("face", ["a/config.json", "a/preprocessor_config.json"]),
    "huggingface_speech": ("audio", ["a/config.json", "a/preprocessor_config.json"]),
    "huggingface_text": ("text", ["a/config.json", "a/tokenizer.json", "a/tokenizer_config.json"]),
    "mobilefacenet": ("face", ["mobile.pt"]),
}
"""Encoder → the modality that it reads, and files that it is loaded from."""

HEAD = ("models/both/recipe.json",)
BOTH = (damage_table, damage_bytes)
TREE = (damage_json, damage_json, damage_text)
READS = dict.fromkeys(("rows", "times"), read_features) | dict.fromkeys(
    ("faces", "tracks"), read_faces
)
STORES = {
    name: Case(place, ways, READS.get(name, read_store), agree_store, f"{store}/store.json")
    for name, store, place, ways in (
        ("index", "features/mfcc", "features/mfcc/index.parquet", BOTH),
        ("ledger", "features/mfcc", "features/mfcc/ledger.parquet", BOTH),
        ("zarr part", "features/mfcc", "features/mfcc/parts/*/zarr.json", TREE),
        ("zarr array", "features/mfcc", "features/mfcc/parts/*/embedding/zarr.json", TREE),
        ("rows", "features/mfcc", "features/mfcc/parts/*/embedding/c/0/0", (damage_bytes,)),
        ("times", "features/mfcc", "features/mfcc/parts/*/start_seconds/c/0", (damage_bytes,)),
        ("hdf5 part", "features/curves", "features/curves/parts/*.h5", (damage_bytes,)),
        ("sounds", "data/audio", "data/audio/parts/*.parquet", BOTH),
        ("findings", "data/findings", "data/findings/parts/*.parquet", BOTH),
        ("faces", "data/face", "data/face/parts/*.parquet", BOTH),
        ("tracks", "data/tracks", "data/tracks/parts/*.parquet", BOTH),
        ("words", "data/text", "data/text/parts/*.parquet", BOTH),
    )
}
CASES = {
    "header": Case("features/mfcc/store.json", (damage_json,), read_store, seal),
    "media header": Case("data/audio/store.json", (damage_json,), read_store, seal),
    "faces header": Case("data/face/store.json", (damage_json,), read_faces, seal),
    **STORES,
    "joint": Case("features/joined/joint.json", TREE, read_joint_set),
    "recipe": Case("models/both/recipe.json", TREE, read_head),
    "weights": Case("models/both/model.safetensors", (damage_bytes,), read_head, agree_head, *HEAD),
    "held out": Case("models/both/predictions.parquet", BOTH, read_head, agree_head, *HEAD),
    "bundle": Case("bundles/both/bundle.json", TREE, read_bundle),
    "session": Case("sessions/*/session.json", TREE, read_session),
    "notes": Case("sessions/*/notes.json", TREE, read_session),
    **{
        f"session {name}": Case(f"sessions/*/{name}.jsonl", (damage_text,), read_session)
        for name in ("answer", "faces", "mark", "recording")
    },
    "history": Case("models/both/history.csv", (damage_text,), read_reports),
    "evaluation": Case("reports/heads/both/evaluation.json", TREE, read_reports),
    "predictions": Case("reports/heads/both/predictions.parquet", BOTH, read_reports),
    "face counts": Case("reports/faces.json", TREE, read_reports),
    "params": Case("params.yaml", (damage_text,), read_params),
    "corpus": Case("data/raw/corpus/clips.csv", (damage_text,), read_corpus),
    "corpus in parquet": Case("data/raw/packed/clips.parquet", BOTH, read_corpus),
    "overrides": Case("data/overrides.csv", (damage_text,), read_decisions),
    "names": Case("data/targets/names.json", TREE, read_targets),
    "targets": Case("data/targets/targets.parquet", BOTH, read_targets),
    "frames": Case("data/targets/frames.parquet", BOTH, read_targets),
    "dialogues": Case("data/targets/dialogues.parquet", BOTH, read_targets),
    "labelled clips": Case("data/labels/clips.parquet", BOTH, read_clip_table),
    "clean clips": Case("data/clips/clips.parquet", BOTH, read_clip_table),
    "alikes": Case("data/clips/alikes.parquet", BOTH, read_reports),
    "trained": Case("data/labels/trained.parquet", BOTH, read_trained_clips),
    "kept": Case("data/labels/kept.parquet", BOTH, read_kept_clips),
    "lock": Case("dvc.lock", (damage_text,), read_lock),
    **{
        f"import of {name}": Case(f"imports/{name}/{place}", (damage_bytes,), read_import)
        for name in FORMS
        for place in ["set/train/data-*.arrow" if name == "datasets" else "*.*"]
    },
    "listing": Case(".dvc/cache/files/md5/*/*.dir", TREE, read_listing),
    **{
        f"{name} {file}": Case(
            f"weights/{name}/{file}",
            TREE if file.endswith(".json") else (damage_bytes,),
            load_encoder,
        )
        for name, (_, files) in WEIGHTS.items()
        for file in (*files, *(["a/model.safetensors"] * (name != "mobilefacenet")))
    },
}


@pytest.fixture(scope="module")
def project(first_run: FirstRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project that ran, with what it has no file of yet, as the current folder."""
    root = first_run.copy(tmp_path_factory.mktemp("fuzz") / "project").root
    rows = {"table/a": make_rows([[1.0, 2.0]]), "table/b": make_rows([[3.0, 4.0], [5.0, 6.0]])}
    write_features(root / "features" / "curves", rows, part_format="hdf5")
    join_sets(root / "features" / "joined", ["mfcc", "hog"])
    weights = root / "weights"
    shutil.copytree(save_vision_model(), weights / "huggingface_vision" / "a")
    shutil.copytree(save_speech_model(), weights / "huggingface_speech" / "a")
    save_tokenizer(weights / "huggingface_text" / "a")
    save_model(weights / "huggingface_text" / "a")
    (weights / "mobilefacenet").mkdir()
    shutil.copy(save_mobilefacenet(), weights / "mobilefacenet" / "mobile.pt")
    shutil.copy(root / "dvc.lock", root / "base.lock")
    for name, form in FORMS.items():
        folder = root / "imports" / name
        folder.mkdir(parents=True)
        form.save(folder)
    packed = root / "data" / "raw" / "packed"
    shutil.copytree(root / "data" / "raw" / "corpus", packed)
    pq.write_table(pa.csv.read_csv(packed / "clips.csv"), packed / "clips.parquet")
    (packed / "clips.csv").unlink()
    with chdir(root):
        bundle_head(Path("models/both"), Path("reports/heads"), Path("bundles/both"))
        keep_session(Path("sessions"))
        yield root


@contextmanager
def changed(case: Case, change: Callable[[bytes], bytes]) -> Iterator[Path]:
    """The file of a case while it is changed; reading it takes no gigabytes."""
    path = next(Path().glob(case.place))
    kept = {place: place.read_bytes() for place in (path, Path(case.guard or path))}
    try:
        remove(path)  # parts are read-only, and linked to the cache
        path.write_bytes(change(kept[path]))
        case.agree(path)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        yield path
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + MOST_KILOBYTES
    finally:
        for place, data in kept.items():
            remove(place)
            place.write_bytes(data)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_changed_file_is_read_or_refused_in_a_sentence(case: Case, project: Path) -> None:
    @settings(
        max_examples=200 if MINUTES else 3,
        derandomize=not MINUTES,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=False))
    def read_changed(rng: Random) -> None:
        with changed(case, lambda data: rng.choice(case.ways)(data, rng)) as path:
            case.read(path)

    end = time.monotonic() + 60 * MINUTES
    read_changed()
    while time.monotonic() < end:
        read_changed()


def edit(*steps: str, to: object) -> Callable[[bytes], bytes]:
    """JSON with another value at the end of `steps`."""

    def change(data: bytes) -> bytes:
        tree = held = json.loads(data)
        for step in steps[:-1]:
            held = held[step]
        held[steps[-1]] = to
        return json.dumps(tree).encode()

    return change


def ask_for_gigabytes(data: bytes) -> bytes:
    """A recipe of another kind of head, over the longest rows that a recipe may name."""
    longest = edit("inputs", "face", "row_shape", to=[2**24])(data)
    inputs = {"face": "hog", "scene": "none", "audio": "mfcc", "text": "none"}
    return edit("params", to={"kind": "mlp", "inputs": inputs})(longest)


def fill(column: str, cell: object) -> Callable[[bytes], bytes]:
    """Parquet with another cell in the first row."""

    def change(data: bytes) -> bytes:
        table = pq.read_table(pa.BufferReader(data))
        place = table.column_names.index(column)
        cells = [cell, *table.column(place).to_pylist()[1:]]
        made = pa.array(cells, table.schema.field(place).type)
        sink = pa.BufferOutputStream()
        pq.write_table(table.set_column(place, table.schema.field(place), made), sink)
        return bytes(sink.getvalue())

    return change


def blank(column: str) -> Callable[[bytes], bytes]:
    """Parquet without any cell in a column."""

    def change(data: bytes) -> bytes:
        table = pq.read_table(pa.BufferReader(data))
        place = table.column_names.index(column)
        field = table.schema.field(place)
        sink = pa.BufferOutputStream()
        pq.write_table(table.set_column(place, field, pa.nulls(len(table), field.type)), sink)
        return bytes(sink.getvalue())

    return change


def empty(data: bytes) -> bytes:
    """Parquet without any row."""
    sink = pa.BufferOutputStream()
    pq.write_table(pq.read_table(pa.BufferReader(data)).slice(0, 0), sink)
    return bytes(sink.getvalue())


def anchor_twice(data: bytes) -> bytes:
    """Params in which two values have one anchor."""
    return data.replace(b"folds: 3", b"folds: &a 3").replace(b"rate_hz: 2", b"rate_hz: &a 2")


NO_HEADER = (2**40).to_bytes(8, "little") + b"{"
HIDDEN = ("provenance", "settings")
VISION, TEXT = "huggingface_vision a/config.json", "huggingface_text a/tokenizer_config.json"
FINDS = (
    ("header", edit("provenance", "source", to={}), "provenance.source.stage: Field required"),
    ("faces header", edit(*HIDDEN, "thresholds", to={}), "max_brightness|settings"),
    ("faces header", edit(*HIDDEN, to={}), "settings.align: expected what stage `faces` has"),
    ("zarr array", edit("codecs", to=[{"name": float("nan")}]), "one raw little-endian chunk"),
    ("recipe", edit("priors", to={}), "priors: Dictionary should have at least 1 item"),
    ("recipe", edit("emotions", to=["sad"] * 201), "emotions: List should have at most 200 items"),
    ("recipe", edit("params", to={}), "name the kind of the head"),
    ("recipe", edit("per", to={}), "per: expected an entry for arousal"),
    ("recipe", edit("inputs", "face", "provenance", to={}), "inputs.face.provenance"),
    ("weights", lambda _: NO_HEADER, "expected the weights of the head in its recipe, got others"),
    ("weights", lambda data: data[:-4], "expected the weights of the head"),
    ("held out", fill("clip_id", None), "expected a clip_id in each row"),
    ("predictions", fill("predicted", 1e300), "predicted: expected a finite number"),
    ("history", lambda data: data + "é".encode("latin-1"), "not a readable history"),
    ("history", lambda _: b"epoch\n1\n", "expected a run of its recipe, an epoch and numbers"),
    ("evaluation", edit("targets", to=["smell"]), "targets of emotion"),
    ("evaluation", edit("splits", "val", "filled", to={}), "the same metrics|filled value"),
    ("evaluation", edit("splits", "val", "confusion", "emotion", to=[]), "confusion matrix"),
    (
        "names",
        lambda data: data.replace(b"sad", b"s\xe4d"),
        "expected names of emotions of this version",
    ),
    ("names", edit("emotion", to=["happy"]), "expected an emotion of names.json, got 'sad'"),
    ("targets", fill("clip_id", None), "expected a row for each clip, got none"),
    ("targets", fill("split", "some"), "expected a split of train, val, test"),
    ("labelled clips", fill("path", None), "expected each clip's corpus and path"),
    ("labelled clips", fill("start_seconds", 5.0), "expected a stretch from 0 s on, or none"),
    ("trained", fill("clip_id", None), "expected a row for each clip, got none"),
    ("kept", lambda _: b"PAR1", "not a readable Parquet file"),
    ("faces", fill("track", 77), "its rows are not those that were written"),
    ("faces header", edit(*HIDDEN, "rate_hz", to=1e308), "rate_hz: Input should be less than"),
    ("faces header", edit(*HIDDEN, "weights_digests", to=3), "expected a list of digests"),
    ("tracks", fill("seconds", float("inf")), "expected seconds from 0 on"),
    ("clean clips", fill("duration_seconds", float("nan")), "expected seconds and a rate"),
    ("targets", fill("valence", 7.0), "valence: expected -1 to 1, got 7.0"),
    ("recipe", edit("layer_shares", to={"x": {"nope": [1.0]}}), "a share for each layer"),
    ("recipe", edit("inputs", "face", "row_shape", to=[2**63]), "row_shape"),
    ("recipe", edit("adjustments", to={"x": {"valence": {"temperature": 0.0}}}), "temperature: In"),
    ("recipe", edit("params", "more", to=1), "recipe.json: expected options that this version has"),
    ("evaluation", edit("splits", to={}), "expected val"),
    ("evaluation", edit("targets", to=[]), "targets: List should have at least 1 item"),
    ("history", lambda _: b"run,epoch,uar\n1,1" + 4000 * b"0" + b",1\n", "expected a run"),
    ("faces", fill("score", None), "expected all of each row, got blanks"),
    ("faces", fill("jpeg", b"GIF89a"), "table/speaker_01/1: expected a JPEG file"),
    (VISION, edit("patch_size", to="small"), "expected what AutoConfig can load"),
    (TEXT, edit("model_max_length", to="long"), "expected a number of tokens"),
    (TEXT, edit("pad_token", to={"content": "x", "\x1b[2Jx": 1}), "names of options"),
    ("held out", empty, "both: expected predictions of a target, got none"),
    ("targets", blank("fold"), "data/targets: expected clips with labels to train on"),
    ("params", anchor_twice, "params.yaml: not readable YAML: found duplicate anchor"),
    ("recipe", ask_for_gigabytes, "expected the weights of the head in its recipe, got others"),
)
"""Case, what was done to its file, and what is said of it: each ended in a traceback once."""


@pytest.mark.parametrize(("name", "change", "told"), FINDS)
def test_what_was_found_is_told(
    name: str, change: Callable[[bytes], bytes], told: str, project: Path
) -> None:
    REFUSALS.clear()
    with changed(CASES[name], change) as path:
        CASES[name].read(path)
    assert any(re.search(told, refusal, re.DOTALL) for refusal in REFUSALS), REFUSALS
