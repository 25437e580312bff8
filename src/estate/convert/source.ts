import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Alias, LineCounter, Node, Pair } from 'yaml';
import { quoteValue } from '../../oci/error.ts';
import type { Findings, Place } from './findings.ts';

/** What all values of one file share. */
export interface Origin {
  readonly findings: Findings;
  readonly lines: LineCounter;
  /** What each alias stands for. */
  readonly targets: ReadonlyMap<Alias, Node>;
  /** Mappings whose fields were asked for. */
  readonly opened: Fields[];
}

/** One value of a file. It remembers which fields of a mapping were read, so that no field is dropped in silence. */
export class Source {
  readonly place: Place;
  readonly path: string;
  readonly #node: Node | undefined;
  readonly #origin: Origin;
  /** The key or index that it stands under. */
  readonly key: string;

  /** @param at Where it is reported: a field at its key, an item where it begins. */
  constructor(
    node: Node | null,
    at: Node,
    origin: Origin,
    name: { readonly path: string; readonly key: string },
  ) {
    this.#origin = origin;
    this.path = name.path;
    this.key = name.key;
    this.#node = this.#resolve(node);
    this.place = placeOf(at, origin.lines);
  }

  get findings(): Findings {
    return this.#origin.findings;
  }

  get isMapping(): boolean {
    return isMap(this.#node);
  }

  get isList(): boolean {
    return isSeq(this.#node);
  }

  /** Empty text, null, an empty list or an empty mapping: what Go reads as not set. */
  get isEmpty(): boolean {
    if (this.#node === undefined) return true;
    if (isMap(this.#node) || isSeq(this.#node)) return this.#node.items.length === 0;
    return this.text() === undefined;
  }

  /** The text of a scalar as it is written, so that `1.10` keeps its zero. Undefined for null, empty text, and anything else. */
  text(): string | undefined {
    if (!isScalar(this.#node) || this.#node.value === null) return undefined;
    const { value, source } = this.#node;
    const text = typeof value === 'string' ? value : (source ?? '');
    return text === '' ? undefined : text;
  }

  /** As YAML 1.1 and 1.2 write it; other values are reported. */
  boolean(): boolean | undefined {
    const text = this.text()?.toLowerCase();
    if (text === undefined) return undefined;
    if (['true', 'yes', 'on', 'y'].includes(text)) return true;
    if (['false', 'no', 'off', 'n'].includes(text)) return false;
    this.findings.leftOut(this, `It is ${quoteValue(text)}; expected true or false.`);
    return undefined;
  }

  /** A finite number; other values are reported. */
  number(): number | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    const number = Number(text);
    if (Number.isFinite(number)) return number;
    this.findings.leftOut(this, `It is ${quoteValue(text)}; expected a number.`);
    return undefined;
  }

  /** The items of a list; none for null. Other values are reported. */
  list(): Source[] {
    const node = this.#node;
    if (isSeq(node))
      return node.items.map((item, index) =>
        this.#child(item as Node, item as Node, { path: `${this.path}[${index}]`, key: `${index}` }),
      );
    if (!this.isEmpty || isMap(node)) this.findings.leftOut(this, 'Expected a list.');
    return [];
  }

  /** The texts of a list. Items that are no text are reported. */
  texts(): string[] {
    return this.list().flatMap((item) => {
      const text = item.text();
      if (text === undefined) this.findings.leftOut(item, 'Expected text.');
      return text ?? [];
    });
  }

  /** The fields of a mapping; none for null. Other values are reported. */
  fields(): Fields {
    const fields = this.peek();
    if (!this.isMapping && !this.isEmpty) this.findings.leftOut(this, 'Expected a mapping.');
    this.#origin.opened.push(fields);
    return fields;
  }

  /** The fields of a mapping, without the duty to read each. */
  peek(): Fields {
    return new Fields(isMap(this.#node) ? this.#entries(this.#node.items, 0) : new Map());
  }

  /** Reports every field that no converter read, of the mappings that were opened. Called once, at the end. */
  reportUnread(): void {
    for (const fields of this.#origin.opened)
      for (const field of fields.unread()) this.findings.leftOut(field, 'Tidemark does not know this field.');
  }

  /** With what `<<` merges in; the mapping's own keys win, and of equal keys the last. */
  #entries(items: readonly Pair[], depth: number): Map<string, Source> {
    const own = new Map<string, Source>();
    const merged = new Map<string, Source>();
    for (const { key, value } of items) {
      const name = isScalar(key) ? (key.source ?? '') : undefined;
      if (name === '<<' && depth < mergesAtMost) {
        for (const [mergedKey, source] of this.#merge(value as Node | null, depth + 1))
          if (!merged.has(mergedKey)) merged.set(mergedKey, source);
      } else if (name === undefined) this.findings.leftOut(this, 'It has a key that is not text.');
      else {
        const path = this.path === '' ? name : `${this.path}.${name}`;
        const earlier = own.get(name);
        if (earlier !== undefined)
          this.findings.leftOut(earlier, 'The same key comes again below, and wins.');
        own.set(name, this.#child(value as Node | null, key as Node, { path, key: name }));
      }
    }
    return new Map([...merged, ...own]);
  }

  /** Of a list of mappings, the first wins. */
  #merge(value: Node | null, depth: number): Map<string, Source> {
    const node = this.#resolve(value);
    if (isMap(node)) return this.#entries(node.items, depth);
    const items = isSeq(node) ? node.items.toReversed() : [];
    return new Map(items.flatMap((item) => [...this.#merge(item as Node, depth)]));
  }

  #child(node: Node | null, at: Node, name: { readonly path: string; readonly key: string }): Source {
    return new Source(node, at, this.#origin, name);
  }

  #resolve(node: Node | null): Node | undefined {
    return (isAlias(node) ? this.#origin.targets.get(node) : node) ?? undefined;
  }
}

const mergesAtMost = 20;

/** The fields of a mapping, of which each is to be read. */
export class Fields {
  readonly #entries: ReadonlyMap<string, Source>;
  readonly #read = new Set<string>();

  constructor(entries: ReadonlyMap<string, Source>) {
    this.#entries = entries;
  }

  /** Undefined for a field that is absent, null or empty. */
  get(name: string): Source | undefined {
    this.#read.add(name);
    const source = this.#entries.get(name);
    return source?.isEmpty === true ? undefined : source;
  }

  /** The names of all fields, which this does not read. */
  names(): string[] {
    return [...this.#entries.keys()];
  }

  /** Every field, in the order of the file. */
  all(): Source[] {
    for (const name of this.#entries.keys()) this.#read.add(name);
    return [...this.#entries.values()];
  }

  /** Accepts fields that change nothing. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#read.add(name);
  }

  /** Reports a field that has no equivalent, if it is there. */
  leaveOut(reasons: Readonly<Record<string, string>>): void {
    for (const [name, reason] of Object.entries(reasons)) {
      const source = this.get(name);
      source?.findings.leftOut(source, reason);
    }
  }

  unread(): Source[] {
    return [...this.#entries].flatMap(([name, source]) => (this.#read.has(name) ? [] : [source]));
  }
}

function placeOf(node: Node, lines: LineCounter): Place {
  const { line, col } = lines.linePos(node.range?.[0] ?? 0);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
