#!/usr/bin/env python3
"""Keeps the public surface of the published crates in api.txt, one line per item.

    .ci/api.py           compares; prints what differs and exits 1 if anything does
    .ci/api.py --write   writes the files anew

It reads the source, not a compiler's output, so that it needs no particular toolchain: modules, re-exports, items,
fields, variants, methods, implemented traits (derives too), and what the role macros expand to. Bodies do not matter.
A change in api.txt is a change of surface: it belongs into the commit that makes it, and into the next version number.
"""

import difflib
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CRATES = {"staking_crypto": "btc-staking/crypto", "staking_protocol": "btc-staking/protocol"}
HEAD = "# Public surface of {}, all features. Made by .ci/api.py --write; a change here is a change of surface.\n"
OPEN, CLOSE = "([{", ")]}"
ITEM = re.compile(
    r"(?P<vis>pub(\([^)]*\))?\s+)?(?P<quals>((default|const|async|unsafe)\s+)*)"
    r"(?P<kind>fn|struct|enum|trait|type|static|mod|use|impl|const)\b"
)


def strip(text):
    """Removes comments; blanks what is inside string and character literals."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|b?r"[^"]*"|b?"(\\.|[^"\\])*"|b?\'(\\.[^\']*|[^\'\\])\'', re.S)
    return token.sub(lambda m: "" if m.group(0)[0] == "/" else '""' if '"' in m.group(0) else "' '", text)


def skip(text, at):
    """Returns the position after the bracket that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        if text[i] in OPEN:
            depth += 1
        elif text[i] in CLOSE:
            depth -= 1
            if depth == 0:
                return i + 1
    raise ValueError("unbalanced brackets")


def until(text, at, stops):
    """Returns the first position from `at` on, outside of brackets, of one of the characters."""
    while text[at] not in stops:
        at = skip(text, at) if text[at] in OPEN else at + 1
    return at


def squeeze(text):
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"([(<\[]) ", r"\1", text)
    return re.sub(r",? ([)>\]])", r"\1", text).replace(",)", ")")


def items(text):
    """Yields (attributes, visibility, kind, head, body) of the items on the top level of a text."""
    at = 0
    while True:
        while at < len(text) and text[at] in " \n\t;,":
            at += 1
        if at >= len(text):
            return
        attrs = []
        while text[at] == "#":
            start = text.index("[", at)
            at = skip(text, start)
            attrs.append(squeeze(text[start + 1 : at - 1]))
            while at < len(text) and text[at].isspace():
                at += 1
            if at >= len(text):
                return
        macro = re.compile(r"(macro_rules!\s*)?(\w+)(!)?\s*(?=[{(])").match(text, at)
        found = ITEM.match(text, at)
        if found is None and macro and (macro.group(1) or macro.group(3)):
            start = until(text, macro.end(), OPEN)
            end = skip(text, start)
            yield attrs, "", "rules" if macro.group(1) else "call", macro.group(2), text[start + 1 : end - 1]
            at = end
            continue
        if found is None:
            raise ValueError(f"cannot read: {text[at:at + 80]!r}")
        whole = found["kind"] in ("use", "static", "type", "const")
        end = until(text, found.end(), ";") if whole else head_end(text, found.end())
        head, body = text[at:end], ""
        if text[end] == "{":
            after = skip(text, end)
            body, end = text[end + 1 : after - 1], after - 1
        yield attrs, (found["vis"] or "").strip(), found["kind"], squeeze(head), body
        at = end + 1


def head_end(text, at):
    """As `until` for a body or a semicolon, but round and square brackets only are skipped."""
    while text[at] not in "{;":
        at = skip(text, at) if text[at] in "([" else at + 1
    return at


def split(text):
    """Splits at the commas outside of brackets."""
    parts, start, at, angle = [], 0, 0, 0
    while at < len(text):
        if text[at] in OPEN:
            at = skip(text, at)
            continue
        angle += (text[at] == "<") - (text[at] == ">" and text[at - 1] != "-")
        if text[at] == "," and angle == 0:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return [squeeze(part) for part in [*parts, text[start:]] if part.strip()]


def bare(part):
    """A field or variant without its attributes."""
    while part.startswith("#"):
        part = part[skip(part, part.index("[")) :].strip()
    return part


class Crate:
    def __init__(self, name, folder):
        self.name, self.src = name, os.path.join(TOP, folder, "src")
        self.public = {}  # (module, name) of an item -> path under which it is reachable, or None
        self.lines, self.found, self.impls, self.uses = set(), [], [], []
        self.module(os.path.join(self.src, "lib.rs"), name, True)
        for use in self.uses:
            self.reexport(*use)
        for item in self.found:
            self.item_lines(*item)
        for impl in self.impls:
            self.impl_lines(*impl)

    def module(self, file, path, visible):
        with open(file, encoding="utf-8") as f:
            text = strip(f.read())
        # Inner attributes and other crates' names say nothing.
        text = re.sub(r"#!\[[^\]]*\]|extern crate \w+;", "", text)
        folder = os.path.dirname(file) if path == self.name else file[:-3]
        rules = {}
        for item in items(text):
            self.item(item, path, visible, folder, rules)

    def item(self, item, path, visible, folder, rules):
        attrs, vis, kind, head, body = item
        if any(a.startswith("cfg(test)") for a in attrs):
            return
        if kind == "rules":
            rules[head] = body
        elif kind == "call" and head in rules:
            for inner in items(expand(rules[head], body)):
                self.item(inner, path, visible, folder, rules)
        elif kind == "mod":
            self.submodule(vis == "pub" and visible, head.split()[-1], body, path, folder)
        elif kind == "use" and vis == "pub":
            self.uses.append((path, visible, re.sub(r"^pub use\s+", "", head)))
        elif kind == "impl":
            self.impls.append((path, head, body))
        elif kind not in ("use", "call") and vis == "pub":
            name = re.search(rf"\b{kind}\s+(\w+)", head).group(1)
            self.public[path, name] = f"{path}::{name}" if visible else None
            self.found.append((path, attrs, kind, name, head, body))

    def submodule(self, shown, name, body, path, folder):
        if shown:
            self.lines.add(f"pub mod {path}::{name}")
        if not body:
            return self.module(f"{folder}/{name}.rs", f"{path}::{name}", shown)
        for item in items(body):
            self.item(item, f"{path}::{name}", shown, folder, {})

    def reexport(self, path, visible, tree):
        """An item of a private module lives where it is re-exported; others get a line that says where else they are."""
        group = re.match(r"(.*)::\{(.*)\}$", tree)
        prefix, names = (group.group(1), split(group.group(2))) if group else tree.rsplit("::", 1)
        for name in (names if group else [names]) if visible else []:
            defined = self.resolve(path, f"{prefix}::{name}")
            here = f"{path}::{name.split('::')[-1]}"
            if defined and self.public[defined] is None:
                self.public[defined] = here
            else:
                self.lines.add(f"pub use {here} = {self.public[defined] if defined else f'{prefix}::{name}'}")

    def resolve(self, path, text):
        """Finds the (module, name) that a path in the source means, or None for other crates' items."""
        *parts, name = text.split("::")
        for start, rest in ((path, parts), (self.name, parts[1:])):
            module = start
            for part in rest:
                module = module.rsplit("::", 1)[0] if part == "super" else module if part == "self" else f"{module}::{part}"
            if (module, name) in self.public and not (start == self.name and parts[:1] != ["crate"]):
                return module, name
        same = [key for key in self.public if key[1] == name]
        return same[0] if len(same) == 1 else None

    def item_lines(self, module, attrs, kind, name, head, body):
        path = self.public[module, name]
        if path is None:
            return
        derives = [d.split("::")[-1] for a in attrs for found in re.findall(r"derive\((.*?)\)", a) for d in split(found)]
        marks = "#[non_exhaustive] " if "non_exhaustive" in attrs else ""
        marks += f"#[derive({', '.join(sorted(set(derives)))})] " if derives else ""
        if kind in ("const", "static"):
            head = re.sub(r" = .*", "", head)
        if kind == "struct" and "(" in head:
            public = [bare(p) for p in split(head[head.index("(") + 1 : head.rindex(")")]) if bare(p).startswith("pub ")]
            head = head[: head.index("(")] + (f"({', '.join(public)})" if public else "")
        self.lines.add(marks + re.sub(rf"\b{name}\b", path, head, count=1))
        if kind == "struct":
            fields = (bare(part) for part in split(body))
            self.lines.update(f"pub {path}::{field[4:]}" for field in fields if field.startswith("pub "))
        elif kind == "enum":
            self.lines.update(f"pub {path}::{variant(bare(part))}" for part in split(body))
        elif kind == "trait":
            self.methods(path, body, needs_pub=False)

    def methods(self, path, body, needs_pub):
        for _, vis, kind, head, _ in items(body):
            if needs_pub and vis != "pub":
                continue
            if kind == "const":
                head = re.sub(r" = .*", "", head)
            head = re.sub(r"\b(fn|const|type) (?!fn\b)(\w+)", rf"\1 {path}::\2", head.removeprefix("pub "), count=1)
            self.lines.add(f"pub {head}")

    def impl_lines(self, module, head, body):
        generics, target = re.match(r"impl(<.*?>)? (.*)$", head.split(" where ")[0]).groups()
        trait, _, target = target.rpartition(" for ")
        name = re.match(r"&?(mut )?((\w+::)*\w+)", target).group(2)
        key = self.resolve(module, name)
        path = self.public.get(key)
        if not trait and path:
            self.methods(path, body, needs_pub=True)
        elif trait and (path or (key is None and "::" in name)):
            self.lines.add(f"impl{generics or ''} {trait} for {target.replace(name, path or name, 1)}")

    def text(self):
        return HEAD.format(self.name) + "".join(f"{line}\n" for line in sorted(self.lines))


def variant(part):
    """A variant with its fields, these without attributes."""
    name = re.match(r"\w+", part).group(0)
    rest = part[len(name) :].strip()
    if rest[:1] in ("{", "("):
        inner = ", ".join(bare(field) for field in split(rest[1 : skip(rest, 0) - 1]))
        rest = f" {{ {inner} }}" if rest[0] == "{" else f"({inner})"
    return name + rest


def expand(rules, call):
    """Expands a macro of one rule with one name."""
    body = rules[rules.index("=>") + 2 :].strip()
    body = body[1 : skip(body, 0) - 1]
    name = bare(squeeze(call)).strip(" ;,")
    body = re.sub(r"\$\(#\[\$\w+\]\)\*", "", body)
    return re.sub(r"\$name\b", name, body)


def main():
    differs = 0
    for name, folder in CRATES.items():
        path, made = os.path.join(TOP, folder, "api.txt"), Crate(name, folder).text()
        if "--write" in sys.argv[1:]:
            with open(path, "w", encoding="utf-8") as f:
                f.write(made)
            continue
        with open(path, encoding="utf-8") as f:
            kept = f.read()
        for line in difflib.unified_diff(kept.splitlines(), made.splitlines(), path, "source", lineterm="", n=0):
            print(line)
            differs += 1
    if "--write" not in sys.argv[1:]:
        print(f"{len(CRATES)} passed, 0 failed" if not differs else "the public surface changed: .ci/api.py --write")
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
