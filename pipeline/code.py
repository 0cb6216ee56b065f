"""Code: what of the project's own modules a program can run, and digests of it.

Sources are read, never imported. A module counts by its top-level definitions that are reached by
name, together with what it does when it is imported; where reading cannot tell what of a module is
used, all of it counts. Comments, docstrings and blank lines do not count, and digests are the same
under every version of Python.
"""

import ast
import io
import tokenize
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard

from pipeline.files import digest_bytes, digest_file, digest_json

ROOTS = ("pipeline", "stages")
"""Packages of the project."""

Chosen = Mapping[str, Collection[str]]
"""A family's noun → the members that may be loaded; of a family not named here, any may."""

Place = tuple[str, str]
"""A module, and a name in it; EFFECTS and WHOLE stand for more than one definition."""

EFFECTS = "import"
WHOLE = "*"


@dataclass(frozen=True)
class Import:
    """A module that is imported, or a name of it."""

    module: str
    name: str | None = None

    def __str__(self) -> str:
        return f"{self.module}:{self.name or ''}"


@dataclass(frozen=True)
class Piece:
    """A statement's text, the names and strings in it, and what it imports when it runs."""

    text: str
    names: frozenset[str]
    strings: frozenset[str]
    imports: tuple[Import, ...] = ()


@dataclass(frozen=True)
class Family:
    """A table of members: its noun, the statement without its rows, and name → row."""

    noun: str
    table: Piece
    rows: dict[str, Piece]


@dataclass
class Module:
    """A module's statements, by the names that they bind; `effects` are those that bind none."""

    definitions: dict[str, list[Piece]] = field(default_factory=dict)
    families: dict[str, Family] = field(default_factory=dict)
    imports: dict[str, Import] = field(default_factory=dict)
    effects: list[Piece] = field(default_factory=list)

    def list_places(self, name: str) -> Iterator[Place]:
        """All that this module, called `name`, holds."""
        yield name, EFFECTS
        for bound in (*self.definitions, *self.families, *self.imports):
            yield name, bound


class Code:
    """The sources of the project in the folder `root`; nothing of `border` is looked into."""

    def __init__(self, root: Path, border: Collection[str] = ()) -> None:
        self.root = root
        self.border = frozenset(border)
        self._modules: dict[str, Module | None] = {}
        self._folders: dict[str, Path] = {}
        self._files: dict[str, str] = {}
        self._reached: dict[object, Reach] = {}

    def digest(self, program: str, chosen: Chosen) -> dict[str, str]:
        """Module or file → digest of what of it the module `program` can run, sorted by name."""
        reach = self.reach(program, chosen)
        digests = {
            name: digest_bytes("\n".join(sorted(texts)).encode())
            for name, texts in reach.texts.items()
        }
        digests.update((name, self.digest_file(name)) for name in reach.files)
        return dict(sorted(digests.items()))

    def reach(self, program: str, chosen: Chosen) -> "Reach":
        """What the module `program` leads to."""
        key = program, frozenset((noun, frozenset(names)) for noun, names in chosen.items())
        if key not in self._reached:
            self._reached[key] = Reach(self, chosen)
            self._reached[key].follow(Import(program))
        return self._reached[key]

    def find(self, name: str) -> Module | None:
        """The project's module of this name, if there is one."""
        if name not in self._modules:
            self._modules[name] = self._read(name) if name.partition(".")[0] in ROOTS else None
        return self._modules[name]

    def _read(self, name: str) -> Module | None:
        path = self.root.joinpath(*name.split("."))
        sources = (path / "__init__.py", path.with_suffix(".py"))
        source = next((source for source in sources if source.is_file()), None)
        if source is None:
            return None
        self._folders[name] = source.parent
        package = name if source.name == "__init__.py" else name.rpartition(".")[0]
        return read_module(source.read_text(encoding="utf-8"), package)

    def find_files(self, name: str, strings: Collection[str]) -> Iterator[str]:
        """Files beside or below the module of this name that `strings` name, and they in turn."""
        near = list_files(self._folders[name])
        found = {near[name] for name in strings & near.keys()}
        while found:
            path = found.pop()
            yield path.relative_to(self.root).as_posix()
            text = path.read_text(encoding="utf-8")
            found |= {
                other for name, other in near.items() if f'"{name}"' in text and other != path
            }

    def digest_file(self, name: str) -> str:
        """Digest of a file that is no module."""
        if name not in self._files:
            self._files[name] = digest_bytes((self.root / name).read_bytes())
        return self._files[name]


class Reach:
    """What is reached so far: `places`, the `texts` that are there, and `files`."""

    def __init__(self, code: Code, chosen: Chosen) -> None:
        self.code = code
        self.chosen = chosen
        self.texts: dict[str, set[str]] = {}
        self.files: set[str] = set()
        self.places: set[Place] = set()
        self._waiting: list[Place] = []

    def follow(self, imported: Import) -> None:
        """Take in what is imported, and all that it leads to."""
        self._reach(imported)
        while self._waiting:
            place = self._waiting.pop()
            if place not in self.places:
                self.places.add(place)
                self._visit(*place)

    def _reach(self, imported: Import) -> None:
        name = imported.name
        if name is not None and self.code.find(f"{imported.module}.{name}"):
            imported = Import(f"{imported.module}.{name}")
        if self.code.find(imported.module):
            self._waiting.append((imported.module, EFFECTS))
            self._waiting.append((imported.module, imported.name or WHOLE))

    def _visit(self, name: str, what: str) -> None:
        module = self.code.find(name)
        if module is None or (name in self.code.border and what != EFFECTS):
            return
        if what == EFFECTS:
            self._import(name, module)
        elif what in module.families:
            self._choose(name, module, what)
        elif what in module.definitions:
            for piece in module.definitions[what]:
                self._take(name, module, piece)
        elif what in module.imports:
            self._reach(module.imports[what])
        else:  # WHOLE, or a name that no statement binds
            self._waiting.extend(module.list_places(name))

    def _import(self, name: str, module: Module) -> None:
        """Take what happens when a module is imported, those above it and those it imports."""
        above = name.rpartition(".")[0]
        imported = (above, *(one.module for one in module.imports.values()))
        submodules = (f"{one.module}.{one.name}" for one in module.imports.values())
        self._waiting.extend((one, EFFECTS) for one in (*imported, *submodules))
        for one in module.imports.values():
            if one.name is None:
                self._reach(one)
        for piece in module.effects:
            self._take(name, module, piece)

    def _choose(self, name: str, module: Module, what: str) -> None:
        """Take the rows of a family's table that may be chosen, and their modules whole."""
        family = module.families[what]
        self._take(name, module, family.table)
        if family.noun not in self.chosen:  # whichever is taken may go by their order
            self.texts[name].add(f"{family.noun}: {', '.join(family.rows)}")
        for member in self.chosen.get(family.noun, family.rows):
            if member in family.rows:
                row = family.rows[member]
                self._take(name, module, replace(row, text=f"{member}: {row.text}"))
                for string in row.strings:
                    self._reach(Import(string))

    def _take(self, name: str, module: Module, piece: Piece) -> None:
        texts = self.texts.setdefault(name, set())
        texts.add(piece.text)
        for used in piece.names:
            if used in module.imports:
                texts.add(f"{used} = {module.imports[used]}")
            if used in module.imports or used in module.definitions or used in module.families:
                self._waiting.append((name, used))
        for imported in piece.imports:
            self._reach(imported)
        self.files.update(self.code.find_files(name, piece.strings))


@cache
def read_module(source: str, package: str) -> Module:
    """The module of this text, whose relative imports begin at `package`."""
    lines, statements = source.split("\n"), ast.parse(source).body
    module = Module()
    # Of statements on one line none can be read alone.
    ends = (0, *(statement.end_lineno or 0 for statement in statements))
    crowded = any(_find_lines(s)[0] <= end for end, s in zip(ends, statements, strict=False))
    stripped = _strip_tokens(source, 1) if crowded else None
    for statement in statements:
        nodes = list_nodes(statement)
        _enter(module, nodes, _strip_lines(lines, nodes, stripped), package)
    return module


def _strip_lines(
    lines: Sequence[str], nodes: Sequence[ast.AST], stripped: Mapping[int, str] | None
) -> dict[int, str]:
    """Line number → line of a top-level statement, one of the `lines` of its file.

    Without comments, strings that are statements, and blank lines. `nodes` are those of the
    statement, itself first, and `stripped` the lines of the whole file without comments and blanks,
    where they are known.
    """
    first, last = _find_lines(nodes[0])
    rows = range(first, last + 1)
    docstrings = [node for node in nodes if _is_docstring(node)]
    if stripped is None:
        own = [lines[row - 1] for row in rows]
        kept = {row: line for row, line in zip(rows, own, strict=True) if line.strip()}
        # A tokenizer takes longer than all else: it has those whose blanks or signs may be text.
        blanks = len(kept) < len(rows) and _has_long_strings(nodes, docstrings)
        if blanks or any("#" in line or line.strip() == "\\" for line in kept.values()):
            kept = _strip_tokens("\n".join(own), first)
    else:
        kept = {row: stripped[row] for row in rows if row in stripped}
    for node in docstrings:
        if not lines[node.lineno - 1].encode()[: node.col_offset].strip():
            for row in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                kept.pop(row, None)
    return kept


def _has_long_strings(nodes: Iterable[ast.AST], docstrings: Iterable[ast.Expr]) -> bool:
    """Whether any of `nodes` is a string of several lines, but for `docstrings`."""
    prose = {node.value for node in docstrings}
    return any(
        node.end_lineno != node.lineno and node not in prose
        for node in nodes
        if isinstance(node, (ast.Constant, ast.JoinedStr))
    )


def _strip_tokens(source: str, first: int) -> dict[int, str]:
    """Lines of `source`, numbered from `first`, that hold more than a comment, without it."""
    lines = source.split("\n")
    kept: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        (begin, column), (end, _) = token.start, token.end
        if token.type == tokenize.COMMENT:
            lines[begin - 1] = lines[begin - 1][:column].rstrip()
        elif token.type not in _NO_TEXT:
            kept.update(range(begin, end + 1))
    return {first + row - 1: lines[row - 1] for row in sorted(kept)}


def _find_lines(node: Any) -> tuple[int, int]:
    """Numbers of the first and last line of a node, with its decorators."""
    starts = [node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))]
    return min(starts), node.end_lineno or node.lineno


_NO_TEXT = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def _is_docstring(node: ast.AST) -> TypeGuard[ast.Expr]:
    """Whether a node is a string that stands by itself."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _enter(module: Module, nodes: Sequence[ast.AST], lines: dict[int, str], package: str) -> None:
    """Enter a top-level statement, the first of `nodes`, under what it binds."""
    statement = nodes[0]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        module.imports.update(_read_import(statement, package))
    elif _is_docstring(statement) or _is_for_types(statement):
        return
    elif family := _read_family(statement, lines, package):
        module.families.update(family)
    else:
        piece = _read_piece(nodes, lines, package)
        bound = _list_bound(statement)
        for name in bound:
            module.definitions.setdefault(name, []).append(piece)
        if not bound:
            module.effects.append(piece)


def _is_for_types(statement: ast.AST) -> bool:
    """Whether a statement is for type checkers alone."""
    test = statement.test if isinstance(statement, ast.If) else None
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _list_bound(statement: ast.AST) -> list[str]:
    """Names that a definition or an assignment binds; none for any other statement."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    else:
        return []
    if any(isinstance(node, ast.Attribute | ast.Subscript) for node in targets):
        return []  # changes something that is there already
    nodes = (node for target in targets for node in ast.walk(target))
    return [node.id for node in nodes if isinstance(node, ast.Name)]


def _read_piece(nodes: Sequence[ast.AST], lines: dict[int, str], package: str) -> Piece:
    """The piece whose nodes are these, the whole of it first."""
    names: set[str] = set()
    strings: set[str] = set()
    imports: list[Import] = []
    for inner in nodes:
        if isinstance(inner, ast.Name):
            names.add(inner.id)
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            strings.add(inner.value)
        elif isinstance(inner, (ast.Import, ast.ImportFrom)):
            imports.extend(_read_import(inner, package).values())
    names |= {string for string in strings if string.isidentifier()}  # types that stand as strings
    return Piece(_read_text(nodes[0], lines), frozenset(names), frozenset(strings), tuple(imports))


def list_nodes(node: ast.AST) -> list[ast.AST]:
    """A node and all below it; `ast.walk` takes three times as long."""
    found = [node]
    for one in found:  # which grows meanwhile
        for name in one._fields:
            value = getattr(one, name, None)
            if isinstance(value, list):
                found.extend(inner for inner in value if isinstance(inner, ast.AST))
            elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
                found.append(value)
    return found


def _read_text(node: Any, lines: dict[int, str]) -> str:
    first, last = _find_lines(node)
    text = {row: lines[row].encode() for row in range(first, last + 1) if row in lines}
    if last in text:  # else it is a docstring's
        text[last] = text[last][: node.end_col_offset]
    text[first] = text[first][node.col_offset :]
    return b"\n".join(text.values()).decode()


def _read_import(node: ast.Import | ast.ImportFrom, package: str) -> dict[str, Import]:
    """Local name → what is imported under it."""
    if isinstance(node, ast.Import):
        return {alias.asname or alias.name: Import(alias.name) for alias in node.names}
    parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    module = ".".join([*parents, *([node.module] if node.module else [])])
    return {alias.asname or alias.name: Import(module, alias.name) for alias in node.names}


def _read_family(
    statement: ast.AST, lines: dict[int, str], package: str
) -> dict[str, Family] | None:
    """The table that a statement binds to a name, if it is one."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return None
    match statement.value:
        case ast.Call(
            func=ast.Name(id="Family") as maker,
            args=[ast.Constant(value=str(noun)), ast.Dict() as table],
        ):
            rows = {
                key.value: _read_piece(list_nodes(row), lines, package)
                for key, row in zip(table.keys, table.values, strict=True)
                if isinstance(key, ast.Constant) and isinstance(key.value, str)
            }
            bare = Piece(f"Family {noun}", frozenset({maker.id}), frozenset())
            return {name: Family(noun, bare, rows) for name in _list_bound(statement)}
    return None


def digest_sources(project: Path) -> str:
    """Digest of all sources of the project, their comments included."""
    files = [path for root in ROOTS for path in sorted((project / root).rglob("*"))]
    return digest_json(
        {
            path.relative_to(project).as_posix(): digest_file(path)
            for path in files
            if path.is_file() and path.suffix != ".pyc" and not path.name.startswith(".")
        }
    )


@cache
def list_files(folder: Path) -> dict[str, Path]:
    """Name → path of each file in or below `folder` that is no module."""
    return {
        path.name: path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
