"""`params.yaml` as typed, frozen records: the whole of it, or the section a stage needs.

Options and their defaults stand in the `params` module of each room, which loads none of the
libraries that the members of its family need.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError, YAMLWarning

from pipeline.cleaning.params import CleanParams
from pipeline.encoders.params import ENCODERS, FeatureParams
from pipeline.engines import EngineParams
from pipeline.errors import ParamsError
from pipeline.evaluation.params import EvaluateParams
from pipeline.faces import AUTO, DETECTORS
from pipeline.faces.params import FacesParams
from pipeline.families import Family, ParamsMember, suggest
from pipeline.files import digest_file, write_text
from pipeline.heads.inputs import NO_FEATURES, JointParams
from pipeline.heads.params import HEADS
from pipeline.heads.recipes import AskedHead, Sections
from pipeline.heads.shared.params import HeadParams
from pipeline.labels.corpora.params import CORPORA, CorpusParams
from pipeline.labels.params import SplitParams
from pipeline.paths import CHECKED_HERE, CHECKED_PARAMS
from pipeline.report.params import ReportParams
from pipeline.sections import MOST_LETTERS, Section, is_name, parse_section
from pipeline.words.params import TranscribeParams

PARAMS_PATH = Path("params.yaml")


@dataclass(frozen=True)
class Params:
    """The whole of `params.yaml`."""

    corpora: dict[str, CorpusParams]
    splits: SplitParams
    clean: CleanParams
    faces: FacesParams
    transcribe: TranscribeParams
    features: dict[str, FeatureParams]
    joint: dict[str, JointParams]
    heads: dict[str, HeadParams]
    evaluate: EvaluateParams
    report: ReportParams
    engine: EngineParams


PLAIN_SECTIONS: dict[str, type[Section]] = {
    "splits": SplitParams,
    "clean": CleanParams,
    "faces": FacesParams,
    "transcribe": TranscribeParams,
    "evaluate": EvaluateParams,
    "report": ReportParams,
    "engine": EngineParams,
}
"""Sections of a fixed kind; each has a default for all that it says, and may be left out."""

NAMING_SECTIONS = ("corpora", "features", "heads")
"""Sections that name members of a family, and must be there."""

SECTIONS = (*NAMING_SECTIONS, "joint", *PLAIN_SECTIONS)

PlainT = TypeVar("PlainT", bound=Section)


def read_yaml(path: Path = PARAMS_PATH) -> dict[str, Any]:
    """Top-level sections of the file at `path`.

    Unknown ones are refused, and one of NAMING_SECTIONS that is missing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", YAMLWarning)  # an anchor that is there twice
            data = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ParamsError(f"{path}: no such file; `moodline preset demo` writes one") from error
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path}: expected UTF-8, got other bytes; save it as UTF-8") from error
    except (YAMLError, YAMLWarning, RecursionError, LookupError, ValueError) as error:
        problem = " ".join(str(error).split())
        raise ParamsError(f"{path}: not readable YAML: {problem}") from error
    sections = _expect_map(data, str(path))
    mistakes = [
        f"{path}: {name}: unknown section; {suggest(str(name), SECTIONS)}"
        for name in sections
        if name not in SECTIONS
    ]
    mistakes += [
        f"{path}: {name}: missing section; docs/params.md says what it holds"
        for name in NAMING_SECTIONS
        if name not in sections
    ]
    if mistakes:
        raise ParamsError(*mistakes)
    return sections


def read_checked() -> dict[str, Any]:
    """Top-level sections as `check` found them: an edit during a run concerns the next run.

    DVC may have fetched them in place of a run of `check`, and what a remote holds is trusted by
    nobody: raises ParamsError unless they are those of params.yaml, now or when a stage before read
    them here.
    """
    if not CHECKED_PARAMS.is_file():
        raise ParamsError(f"{CHECKED_PARAMS}: no such file; `dvc repro check` writes it")
    found = digest_file(CHECKED_PARAMS)
    noted = CHECKED_HERE.read_text(encoding="utf-8") if CHECKED_HERE.is_file() else None
    if found != noted:
        if not PARAMS_PATH.is_file() or digest_file(PARAMS_PATH) != found:
            raise ParamsError(
                f"{CHECKED_PARAMS}: expected what {PARAMS_PATH} says, got another file; "
                f"`dvc repro --force check` reads {PARAMS_PATH} anew"
            )
        if CHECKED_HERE.parents[1].is_dir():
            write_text(CHECKED_HERE, found)
    return read_yaml(CHECKED_PARAMS)


def parse_plain(sections: Mapping[str, Any], kind: type[PlainT]) -> PlainT:
    """Section of one of the fixed kinds; one that is not there is as its defaults."""
    name = next(name for name, known in PLAIN_SECTIONS.items() if known is kind)
    return parse_section(kind, sections.get(name), name)


def parse_corpora(sections: Mapping[str, Any]) -> dict[str, CorpusParams]:
    """All corpora by their names, in the order given."""
    names = _expect_entries(sections, "corpora")
    return {name: parse_corpus(sections, name) for name in names}


def parse_corpus(sections: Mapping[str, Any], name: str) -> CorpusParams:
    """Corpus `name`, with the options of its kind."""
    return _parse_named(CORPORA, sections, ("corpora", name))


def parse_feature(sections: Mapping[str, Any], name: str) -> FeatureParams:
    """Feature set `name`, with the options of the encoder it names."""
    return _parse_named(ENCODERS, sections, ("features", name))


def parse_joint(sections: Mapping[str, Any]) -> dict[str, JointParams]:
    """Joint sets, none where the section is left out."""
    if "joint" not in sections:
        return {}
    # DVC, too, wants a map where the section is there.
    entries = _expect_map(sections["joint"], "params.yaml: joint")
    with _collected() as collect:
        collect(_check_names, entries, "joint")
        return {
            name: collect(parse_section, JointParams, entries[name], f"joint.{name}")
            for name in entries
        }


def parse_head(sections: Mapping[str, Any], name: str) -> HeadParams:
    """Head `name`, with the options of its kind."""
    return _parse_named(HEADS, sections, ("heads", name))


def ask_head(sections: Mapping[str, Any], name: str) -> AskedHead:
    """Head `name` with the sections of all that it is made of, defaults filled in."""
    params, joint = parse_head(sections, name), parse_joint(sections)
    read = list(params.inputs.sets().values())
    sets = [member for set_ in read for member in expand_set(set_, joint)]
    return AskedHead(
        name=name,
        params=params,
        features={set_: _dump(parse_feature(sections, set_)) for set_ in sets},
        sections=Sections(
            corpora={key: _dump(corpus) for key, corpus in parse_corpora(sections).items()},
            splits=_dump(parse_plain(sections, SplitParams)),
            clean=_dump(parse_plain(sections, CleanParams)),
            faces=_dump(parse_plain(sections, FacesParams)),
            transcribe=_dump(parse_plain(sections, TranscribeParams)),
            joint={set_: _dump(joint[set_]) for set_ in _list_joint(read, joint)},
        ),
    )


def _dump(section: Section) -> dict[str, Any]:
    return section.model_dump(mode="json")


def _list_joint(read: Sequence[str], joint: Mapping[str, JointParams]) -> list[str]:
    """Joint sets among those that are `read`, and within them."""
    found = [name for name in read if name in joint]
    inner = [part for name in found for part in (joint[name].first, joint[name].second)]
    return [*found, *(_list_joint(inner, joint) if inner else ())]


def parse_params(sections: Mapping[str, Any]) -> Params:
    """All sections, and what they say of each other, checked.

    Raises ParamsError with all mistakes, one a line: those within sections, else those between.
    """
    with _collected() as collect:
        corpora = _collect_entries(collect, sections, "corpora", parse_corpus)
        plain = {
            name: collect(parse_plain, sections, kind) for name, kind in PLAIN_SECTIONS.items()
        }
        features = _collect_entries(collect, sections, "features", parse_feature)
        joint = collect(parse_joint, sections)
        heads = _collect_entries(collect, sections, "heads", parse_head)
    params = Params(corpora=corpora, features=features, joint=joint, heads=heads, **plain)
    with _collected() as collect:
        collect(_check_detector, params.faces)
        collect(_check_sides, params)
        collect(_check_called, params.corpora)
        modalities = {
            **{name: collect(_join_modalities, name, features, joint) for name in joint},
            **{name: feature.modality for name, feature in features.items()},
        }
        for name, head in heads.items():
            collect(_check_inputs, name, head, modalities)
        for name, feature in features.items():
            collect(_check_scene, name, feature, params.faces)
    return params


@contextmanager
def _collected() -> Iterator[Callable[..., Any]]:
    """Calls a function with what follows it; gives None where it raises ParamsError.

    The mistakes are raised together at the end of the block, one a line.
    """
    mistakes: list[str] = []

    def collect(function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except ParamsError as error:
            mistakes.extend(error.args)
            return None

    yield collect
    if mistakes:
        raise ParamsError(*mistakes)


def _check_sides(params: Params) -> None:
    """Refuse a whole corpus on one side where each clip has its fold, or a file places it."""
    sided = [name for name, corpus in params.corpora.items() if corpus.side is not None]
    protocol = params.splits.protocol
    if sided and protocol not in ("corpus", "holdout"):
        raise ParamsError(
            f"params.yaml: corpora.{sided[0]}.side: expected splits.protocol corpus or holdout, "
            f"got {protocol}, which places every clip by itself; leave one of the two out"
        )


def _check_called(corpora: Mapping[str, CorpusParams]) -> None:
    """Refuse two tables called the same: their people, dialogues and results would be one's."""
    named: dict[str, str] = {}
    for name, corpus in corpora.items():
        called = getattr(corpus, "called", None)
        if called is not None and (other := named.setdefault(called, name)) != name:
            raise ParamsError(
                f"params.yaml: corpora.{name}.called: expected another than {called!r}, which "
                f"{other} is called; clips of two tables are told apart by it"
            )


def _check_detector(faces: FacesParams) -> None:
    if faces.detector not in (AUTO, *DETECTORS.members):
        hint = suggest(faces.detector, [AUTO, *DETECTORS.members])
        raise ParamsError(f"params.yaml: faces.detector: unknown detector; {hint}")


def _check_scene(name: str, feature: FeatureParams, faces: FacesParams) -> None:
    if feature.modality == "scene" and faces.scene_pixels is None:
        raise ParamsError(
            f"params.yaml: features.{name}: reads whole frames, expected faces.scene_pixels "
            f"to ask for them, got none; set a height in pixels"
        )


def load_params(path: Path = PARAMS_PATH) -> Params:
    """The whole file at `path`; raises ParamsError for its mistakes, one a line."""
    return parse_params(read_yaml(path))


_TYPE_KEYS = {"corpus": "kind", "encoder": "encoder", "head": "kind"}
"""Key that names the member, by the family's noun."""


def _parse_member(family: Family[ParamsMember[PlainT]], value: Any, where: str) -> PlainT:
    name = _read_member_name(family, value, where)
    try:
        member = family.find(name)
    except ParamsError as error:
        raise ParamsError(f"params.yaml: {where}.{_TYPE_KEYS[family.noun]}: {error}") from error
    return parse_section(member.params, value, where)


def _read_member_name(family: Family[Any], value: Any, where: str) -> str:
    fields = _expect_map(value, f"params.yaml: {where}")
    key = _TYPE_KEYS[family.noun]
    if key not in fields:
        known = ", ".join(sorted(family.members))
        raise ParamsError(f"params.yaml: {where}.{key}: missing; one of {known}")
    if not isinstance(fields[key], str):
        raise ParamsError(f"params.yaml: {where}.{key}: expected a name, got {fields[key]!r}")
    return str(fields[key])


def _parse_named(
    family: Family[ParamsMember[PlainT]], sections: Mapping[str, Any], place: tuple[str, str]
) -> PlainT:
    section, name = place
    return _parse_member(family, _find_entry(sections, section, name), f"{section}.{name}")


def _find_entry(sections: Mapping[str, Any], section: str, name: str) -> Any:
    known = _expect_entries(sections, section)
    if name not in known:
        raise ParamsError(f"params.yaml: {section}.{name}: no such entry; {suggest(name, known)}")
    return known[name]


def _expect_entries(sections: Mapping[str, Any], section: str) -> dict[Any, Any]:
    """Entries of a map section, at least one."""
    entries = _expect_map(sections.get(section), f"params.yaml: {section}")
    if not entries:
        # DVC takes an empty map for "nothing to do" and says "up to date".
        raise ParamsError(f"params.yaml: {section}: expected at least one entry, got none; add one")
    return entries


def _check_names(names: Iterable[Any], section: str) -> None:
    """Raise ParamsError where stages cannot carry some of `names`."""
    if wrong := [name for name in names if not is_name(name) or name == NO_FEATURES]:
        raise ParamsError(
            f"params.yaml: {section}: expected names of lower-case letters, digits, - and _ "
            f"that begin with a letter, at most {MOST_LETTERS}, got {', '.join(map(repr, wrong))}"
        )


def _collect_entries(
    collect: Callable[..., Any],
    sections: Mapping[str, Any],
    section: str,
    parse: Callable[[Mapping[str, Any], str], Any],
) -> dict[str, Any]:
    """What `parse` makes of each entry of a map section, its mistakes collected."""
    names = collect(_expect_entries, sections, section) or ()
    collect(_check_names, names, section)
    return {name: collect(parse, sections, name) for name in names if isinstance(name, str)}


def _join_modalities(
    name: str, features: Mapping[str, FeatureParams], joint: Mapping[str, JointParams]
) -> str:
    """Modality of joint set `name`; raises ParamsError where it joins wrongly."""
    if name in features:
        raise ParamsError(f"params.yaml: joint.{name}: a feature set has this name; rename one")
    members = expand_set(name, joint)
    for member in members:
        if member not in features:
            hint = suggest(member, [*features, *joint])
            raise ParamsError(f"params.yaml: joint.{name}: unknown set {member!r}; {hint}")
    kinds = {features[member].modality for member in members}
    if len(kinds) > 1:
        told = ", ".join(f"{member} of {features[member].modality}" for member in members)
        raise ParamsError(f"params.yaml: joint.{name}: expected one modality, got {told}")
    return kinds.pop()


def expand_set(name: str, joint: Mapping[str, JointParams]) -> list[str]:
    """Feature sets that set `name` stands for: itself, or the members of a joint set, in order.

    Raises ParamsError for a joint set that holds itself, and for a set that is in it twice: where
    each holds the one before twice, there are twice as many at every step.
    """
    seen: set[str] = set()

    def expand(name: str, within: tuple[str, ...]) -> list[str]:
        if name in within:
            raise ParamsError(f"params.yaml: joint.{name}: holds itself; name other sets")
        if name in seen:
            told = f"expected each set once, got {name} twice; drop one"
            raise ParamsError(f"params.yaml: joint.{within[0]}: {told}")
        seen.add(name)
        if name not in joint:
            return [name]
        inner = (*within, name)
        return [*expand(joint[name].first, inner), *expand(joint[name].second, inner)]

    return expand(name, ())


def _check_inputs(name: str, head: HeadParams, modalities: Mapping[str, str | None]) -> None:
    """Refuse feature sets that are unknown or of another modality, and a head with none.

    A joint set that joins wrongly has no modality, and is refused for itself.
    """
    sets = head.inputs.sets()
    if not sets:
        raise ParamsError(
            f"params.yaml: heads.{name}.inputs: expected a feature set, got only none"
        )
    for modality, chosen in sets.items():
        place = f"params.yaml: heads.{name}.inputs.{modality}"
        if chosen not in modalities:
            raise ParamsError(
                f"{place}: unknown feature set {chosen!r}; {suggest(chosen, [*modalities, 'none'])}"
            )
        if modalities[chosen] not in (modality, None):
            raise ParamsError(
                f"{place}: expected a set of modality {modality}, "
                f"got {chosen!r} of modality {modalities[chosen]}"
            )


def _expect_map(value: Any, where: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise ParamsError(f"{where}: expected a map of keys, got {value!r}")
    return value
