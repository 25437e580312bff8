import type { ManifestMap } from '../listing/google.ts';

/** The list is no JSON, or JSON of another form; then `value` is the wrong part. */
export class TagListError extends Error {
  override readonly name = 'TagListError';
  readonly value: string | undefined;

  constructor(value?: string) {
    super('not a list of tags');
    this.value = value;
  }
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
 * Finds the names in `{"tags": […]}` in a stream, and skips everything else. Parses JSON (RFC 8259) in one pass with constant memory: Google's lists
 * have many megabytes of `manifest` before their tags.
 */
export class TagReader {
  #state: State = 'value';
  /** For each open container, whether it is an object. */
  readonly #open: boolean[] = [];
  #key = '';
  #isKey = false;
  #isEscaped = false;
  #text = '';
  #hasTags = false;
  #names: string[] = [];
  readonly #manifests: ManifestMap | undefined;

  /** @param manifests Collects the digests of a Google list. */
  constructor(manifests?: ManifestMap) {
    this.#manifests = manifests;
  }

  /** @returns the names that this chunk completes. @throws TagListError */
  read(bytes: Uint8Array): string[] {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#names = [];
    for (let at = 0; at < chunk.length;) {
      const byte = chunk[at] ?? 0;
      if (this.#state === 'string') at = this.#readString(chunk, at);
      else if (this.#state === 'literal' && isLiteralByte(byte) && this.#text.length < keptMaxBytes) {
        this.#text += String.fromCharCode(byte);
        at += 1;
      } else if (this.#state === 'literal') this.#endLiteral();
      else {
        if (!isSpace(byte)) this.#readByte(byte);
        at += 1;
      }
    }
    return this.#names;
  }

  /** Whether the list had `tags`. @throws TagListError if the JSON is incomplete. */
  end(): boolean {
    if (this.#state === 'literal') this.#endLiteral();
    if (this.#state !== 'end') throw new TagListError();
    return this.#hasTags;
  }

  #isNames(): boolean {
    return this.#open.length === 2 && this.#open[1] === false && this.#key === 'tags';
  }

  #isTags(): boolean {
    return this.#open.length === 1 && this.#key === 'tags';
  }

  #begin(byte: number): void {
    if (this.#open.length === 0 && byte === openBracket) throw new TagListError('[');
    if (byte === openBrace || byte === openBracket) {
      if (this.#isNames() || (this.#isTags() && byte === openBrace))
        throw new TagListError(String.fromCharCode(byte));
      if (this.#open.length === maxDepth) throw new TagListError();
      this.#open.push(byte === openBrace);
      this.#state = byte === openBrace ? 'first-key' : 'first-value';
      return;
    }
    this.#text = '';
    this.#isKey = false;
    this.#state = byte === quote ? 'string' : 'literal';
    if (this.#state === 'literal') this.#text = String.fromCharCode(byte);
  }

  #close(isObject: boolean): void {
    if (this.#open.pop() !== isObject) throw new TagListError();
    this.#manifests?.close(this.#open.length + 1);
    this.#state = this.#open.length === 0 ? 'end' : 'after';
  }

  #endLiteral(): void {
    if (!literal.test(this.#text)) throw new TagListError();
    if (this.#open.length === 0 || this.#isNames() || (this.#isTags() && this.#text !== 'null'))
      throw new TagListError(this.#text);
    this.#state = 'after';
  }

  #endString(): void {
    if (this.#isKey) {
      if (this.#manifests !== undefined && this.#isWanted())
        this.#manifests.key(this.#open.length, decode(this.#text));
      this.#key = this.#open.length === 1 ? decode(this.#text) : this.#key;
      if (this.#open.length === 1 && this.#key === 'tags') {
        if (this.#hasTags) throw new TagListError('a second "tags"');
        this.#hasTags = true;
      }
      this.#state = 'colon';
      return;
    }
    if (this.#open.length === 0 || this.#isTags()) throw new TagListError(this.#text);
    if (this.#isNames()) this.#names.push(decode(this.#text));
    else if (this.#isInMap()) this.#manifests?.string(this.#open.length, decode(this.#text));
    this.#state = 'after';
  }

  /** @returns the position after the string, or after the chunk. */
  #readString(chunk: Buffer, from: number): number {
    if (this.#isEscaped) {
      this.#isEscaped = false;
      this.#keep(chunk, from, from + 1);
      return from + 1;
    }
    const end = chunk.indexOf(quote, from);
    const until = end < 0 ? chunk.length : end;
    const escape = chunk.subarray(from, until).indexOf(backslash);
    if (escape >= 0) {
      this.#keep(chunk, from, from + escape + 1);
      this.#isEscaped = true;
      return from + escape + 1;
    }
    this.#keep(chunk, from, until);
    if (end < 0) return until;
    this.#endString();
    return end + 1;
  }

  #isWanted(): boolean {
    const depth = this.#open.length;
    if (this.#isKey ? depth === 1 : depth < 2 || this.#isNames()) return true;
    return this.#isInMap();
  }

  #isInMap(): boolean {
    const place = this.#isKey ? 'key' : this.#open.at(-1) === true ? 'value' : 'entry';
    return this.#manifests?.wants(this.#open.length, place) === true;
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    const room = keptMaxBytes - this.#text.length;
    if (room > 0 && this.#isWanted()) this.#text += chunk.toString('latin1', from, Math.min(to, from + room));
  }

  #readByte(byte: number): void {
    switch (this.#state) {
      case 'first-value':
        if (byte === closeBracket) return this.#close(false);
        return this.#begin(byte);
      case 'value':
        return this.#begin(byte);
      case 'first-key':
        if (byte === closeBrace) return this.#close(true);
        return this.#beginKey(byte);
      case 'key':
        return this.#beginKey(byte);
      case 'colon':
        if (byte !== colon) throw new TagListError();
        this.#state = 'value';
        return;
      case 'after':
        if (byte === comma) this.#state = this.#open.at(-1) === true ? 'key' : 'value';
        else if (byte === closeBracket || byte === closeBrace) this.#close(byte === closeBrace);
        else throw new TagListError();
        return;
      default:
        throw new TagListError();
    }
  }

  #beginKey(byte: number): void {
    if (byte !== quote) throw new TagListError();
    this.#text = '';
    this.#isKey = true;
    this.#state = 'string';
  }
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
