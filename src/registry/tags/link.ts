/**
 * The target of the link with `rel="next"` in a `Link` field (RFC 8288 section 3), relative or absolute. A single link may lack the `rel`, as some
 * registries send it. Old releases of zot omit the angle brackets (project-zot/zot, pkg/api/routes.go).
 */
export function nextLink(field: string | undefined): string | undefined {
  if (field === undefined) return undefined;
  const bare = bareTarget(field);
  if (bare !== undefined) return bare;
  const links = readLinks(field);
  const next = links.find(({ relations }) => relations?.includes('next'));
  if (next !== undefined) return next.target;
  return links.length === 1 && links[0]?.relations === undefined ? links[0]?.target : undefined;
}

/** The target of `/v2/…?last=…; rel="next"`. */
function bareTarget(field: string): string | undefined {
  const end = field.indexOf(';');
  const target = field.slice(0, end).trim();
  const isBare = end > 0 && !/[<>,"\s]/.test(target) && /^(?:\/|https?:)/.test(target);
  return isBare && /^rel="?next"?$/.test(field.slice(end + 1).trim()) ? target : undefined;
}

interface Link {
  readonly target: string;
  /** Of the first `rel`; others are ignored (RFC 8288 section 3.3). */
  readonly relations: string[] | undefined;
}

/** Linear in the length of the field. */
function readLinks(field: string): Link[] {
  const links: Link[] = [];
  for (let start = field.indexOf('<'); start >= 0; start = field.indexOf('<', start)) {
    let end = start + 1;
    while (end < field.length && field[end] !== '<' && field[end] !== '>') end += 1;
    // Another `<` before `>`: the link begins there.
    if (field[end] === '>') {
      const { relations, at } = readParameters(field, end + 1);
      links.push({ target: field.slice(start + 1, end), relations });
      end = at;
    }
    start = end;
  }
  return links;
}

function readParameters(field: string, from: number): { relations: string[] | undefined; at: number } {
  let relations: string[] | undefined;
  let at = from;
  for (;;) {
    const semicolon = skipSpace(field, at);
    if (field[semicolon] !== ';') return { relations, at };
    const nameStart = skipSpace(field, semicolon + 1);
    const nameEnd = skipWhile(field, nameStart, (char) => !/[\s=;,]/.test(char));
    if (nameEnd === nameStart) return { relations, at };
    const value = readValue(field, nameEnd);
    if (relations === undefined && field.slice(nameStart, nameEnd).toLowerCase() === 'rel')
      relations = value.text.toLowerCase().split(/\s+/);
    ({ at } = value);
  }
}

/** `="quoted"`, `=bare`, or nothing. */
function readValue(field: string, nameEnd: number): { readonly text: string; readonly at: number } {
  const nothing = { text: '', at: nameEnd };
  const equals = skipSpace(field, nameEnd);
  if (field[equals] !== '=') return nothing;
  const start = skipSpace(field, equals + 1);
  if (field[start] !== '"') {
    const end = skipWhile(field, start, (char) => !/[\s";,]/.test(char));
    return end === start ? nothing : { text: field.slice(start, end), at: end };
  }
  let end = start + 1;
  while (end < field.length && field[end] !== '"') end += field[end] === '\\' ? 2 : 1;
  return end < field.length ? { text: field.slice(start + 1, end), at: end + 1 } : nothing;
}

function skipSpace(field: string, from: number): number {
  return skipWhile(field, from, (char) => /\s/.test(char));
}

function skipWhile(field: string, from: number, isPart: (char: string) => boolean): number {
  let at = from;
  while (at < field.length && isPart(field.charAt(at))) at += 1;
  return at;
}
