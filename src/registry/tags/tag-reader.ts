/** The list is no JSON, or JSON of another form; then `value` is the wrong part. */
export class TagListError extends Error {
  override readonly name = 'TagListError';
  readonly value: string | undefined;

  constructor(value?: string) {
    super('not a list of tags');
    this.value = value;
  }
}

/** Finds the names in `{"tags": […]}` in a stream, and skips everything else. */
export interface TagReader {
  /** @returns the names that this chunk completes. @throws TagListError */
  read(chunk: Uint8Array): string[];
  /** Whether the list had `tags`. @throws TagListError if the JSON is incomplete. */
  end(): boolean;
}

/** The kept bytes of a string: a name has at most 128 characters of at most six bytes. */
const keptMaxBytes = 1024;
const maxDepth = 64;

const quote = 0x22;
const backslash = 0x5c;
const [openBracket, closeBracket, openBrace, closeBrace, comma, colon] = [0x5b, 0x5d, 0x7b, 0x7d, 0x2c, 0x3a];
const literal = /^(?:null|true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)$/;

type State = 'value' | 'first-value' | 'key' | 'first-key' | 'colon' | 'after' | 'string' | 'literal' | 'end';

/**
 * Parses JSON (RFC 8259) in one pass with constant memory. Google's lists have many megabytes of `manifest` before their tags.
 */
export function createTagReader(): TagReader {
  let state: State = 'value';
  /** For each open container, whether it is an object. */
  const open: boolean[] = [];
  let key = '';
  let isKey = false;
  let isEscaped = false;
  let text = '';
  let hasTags = false;
  let names: string[] = [];

  const isNames = (): boolean => open.length === 2 && open[1] === false && key === 'tags';
  const isTags = (): boolean => open.length === 1 && key === 'tags';

  function begin(byte: number): void {
    if (open.length === 0 && byte === openBracket) throw new TagListError('[');
    if (byte === openBrace || byte === openBracket) {
      if (isNames() || (isTags() && byte === openBrace)) throw new TagListError(String.fromCharCode(byte));
      if (open.length === maxDepth) throw new TagListError();
      open.push(byte === openBrace);
      state = byte === openBrace ? 'first-key' : 'first-value';
      return;
    }
    text = '';
    isKey = false;
    state = byte === quote ? 'string' : 'literal';
    if (state === 'literal') text = String.fromCharCode(byte);
  }

  function close(isObject: boolean): void {
    if (open.pop() !== isObject) throw new TagListError();
    state = open.length === 0 ? 'end' : 'after';
  }

  function endLiteral(): void {
    if (!literal.test(text)) throw new TagListError();
    if (open.length === 0 || isNames() || (isTags() && text !== 'null')) throw new TagListError(text);
    state = 'after';
  }

  function endString(): void {
    if (isKey) {
      key = open.length === 1 ? decode(text) : key;
      if (open.length === 1 && key === 'tags') {
        if (hasTags) throw new TagListError('a second "tags"');
        hasTags = true;
      }
      state = 'colon';
      return;
    }
    if (open.length === 0 || isTags()) throw new TagListError(text);
    if (isNames()) names.push(decode(text));
    state = 'after';
  }

  /** @returns the position after the string, or after the chunk. */
  function readString(chunk: Buffer, from: number): number {
    if (isEscaped) {
      isEscaped = false;
      keep(chunk, from, from + 1);
      return from + 1;
    }
    const end = chunk.indexOf(quote, from);
    const until = end < 0 ? chunk.length : end;
    const escape = chunk.subarray(from, until).indexOf(backslash);
    if (escape >= 0) {
      keep(chunk, from, from + escape + 1);
      isEscaped = true;
      return from + escape + 1;
    }
    keep(chunk, from, until);
    if (end < 0) return until;
    endString();
    return end + 1;
  }

  function keep(chunk: Buffer, from: number, to: number): void {
    const isWanted = isKey ? open.length === 1 : open.length < 2 || isNames();
    const room = keptMaxBytes - text.length;
    if (isWanted && room > 0) text += chunk.toString('latin1', from, Math.min(to, from + room));
  }

  function readByte(byte: number): void {
    switch (state) {
      case 'first-value':
        if (byte === closeBracket) return close(false);
        return begin(byte);
      case 'value':
        return begin(byte);
      case 'first-key':
        if (byte === closeBrace) return close(true);
        return beginKey(byte);
      case 'key':
        return beginKey(byte);
      case 'colon':
        if (byte !== colon) throw new TagListError();
        state = 'value';
        return;
      case 'after':
        if (byte === comma) state = open.at(-1) === true ? 'key' : 'value';
        else if (byte === closeBracket || byte === closeBrace) close(byte === closeBrace);
        else throw new TagListError();
        return;
      default:
        throw new TagListError();
    }
  }

  function beginKey(byte: number): void {
    if (byte !== quote) throw new TagListError();
    text = '';
    isKey = true;
    state = 'string';
  }

  return {
    read(bytes) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      names = [];
      for (let at = 0; at < chunk.length;) {
        const byte = chunk[at] ?? 0;
        if (state === 'string') at = readString(chunk, at);
        else if (state === 'literal' && isLiteralByte(byte) && text.length < keptMaxBytes) {
          text += String.fromCharCode(byte);
          at += 1;
        } else if (state === 'literal') endLiteral();
        else {
          if (!isSpace(byte)) readByte(byte);
          at += 1;
        }
      }
      return names;
    },
    end() {
      if (state === 'literal') endLiteral();
      if (state !== 'end') throw new TagListError();
      return hasTags;
    },
  };
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Letters, digits and the signs of numbers. */
function isLiteralByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x45 ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  );
}

/** Decodes the bytes between the quotes. @throws TagListError for an invalid escape. */
function decode(latin1: string): string {
  const isPlain = !/[\\\u0080-\u00ff]/.test(latin1);
  if (isPlain) return latin1;
  const text = Buffer.from(latin1, 'latin1').toString();
  if (!text.includes('\\') || latin1.length === keptMaxBytes) return text;
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    throw new TagListError();
  }
}
