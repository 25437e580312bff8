import { LineCounter, isAlias, isNode, parseAllDocuments, visit } from 'yaml';
import type { Alias, Document, Node } from 'yaml';
import { TidemarkError } from '../../oci/error.ts';
import type { Findings } from './findings.ts';
import { Source } from './source.ts';
import type { Origin } from './source.ts';

/** What an alias may expand to, as a multiple of what is written (the parser's option). */
const aliasesAtMost = 1_000;

/**
 * Parses all documents of a file.
 * @throws TidemarkError `INVALID` with the position, for text that is not YAML, and for aliases that expand beyond the parser's bound.
 */
export function parseSource(text: string, file: string, findings: Findings): Source[] {
  const lines = new LineCounter();
  const opened: Origin['opened'] = [];
  // messages of the parser would quote the line, which may hold a secret
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  return (Array.isArray(parsed) ? parsed : []).flatMap((document) => {
    assertUsable(document, file, lines);
    const { contents } = document;
    const origin = { findings, lines, opened, targets: findAliases(document).targets };
    return contents === null ? [] : [new Source(contents, contents, origin, { path: '', key: '' })];
  });
}

/** Neither message repeats text of the file, which may be a secret: the parser's own would. */
function assertUsable(document: Document.Parsed, file: string, lines: LineCounter): void {
  const [error] = document.errors;
  if (error !== undefined)
    throw refuse(
      `${positionOf(file, error.pos[0], lines)}: The file is not YAML (${error.code.toLowerCase().replaceAll('_', ' ')}). Check the quotes and the indentation there.`,
    );
  const { unresolved } = findAliases(document);
  if (unresolved !== undefined)
    throw refuse(
      `${positionOf(file, unresolved, lines)}: The alias (*name) has no anchor (&name) that ends before it.`,
    );
  try {
    document.toJS({ maxAliasCount: aliasesAtMost });
  } catch (thrown) {
    if (!(thrown instanceof ReferenceError)) throw thrown;
    throw refuse(`${file}: Its aliases (*name) expand to more than is converted.`);
  }
}

function positionOf(file: string, offset: number, lines: LineCounter): string {
  const { line, col } = lines.linePos(offset);
  return `${file}:${line}:${col}`;
}

/** In one walk: the parser's own look-up walks the document for each alias. */
function findAliases(document: Document): {
  readonly targets: Map<Alias, Node>;
  /** Where the first alias without an anchor begins. */
  readonly unresolved: number | undefined;
} {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  let unresolved: number | undefined;
  visit(document, (_key, node) => {
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      const at = node.range?.[0] ?? 0;
      // one within its own anchor would never end
      if (target === undefined || at < (target.range?.[1] ?? 0)) unresolved ??= at;
      else targets.set(node, target);
    } else if (isNode(node) && 'anchor' in node && typeof node.anchor === 'string')
      anchors.set(node.anchor, node);
  });
  return { targets, unresolved };
}

function refuse(message: string): TidemarkError {
  return new TidemarkError('INVALID', message, { origin: 'caller' });
}
