/** Reads server-sent events (WHATWG HTML, section 9.2.6), as graphql-sse sends them. */

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

export interface EventParser {
  /** Takes the next piece of text, cut anywhere, and answers the events that it completes. */
  push(text: string): ServerEvent[];
}

/** An event of ours has a few kilobytes; a server that sends no end of line is not one of ours. */
const eventMaxCharacters = 4 * 1024 * 1024;

/** @returns a parser; `push` throws a RangeError for an event larger than 4 Mi characters. */
export function createEventParser(): EventParser {
  let rest = '';
  let event = '';
  let data: string[] = [];
  let dataCharacters = 0;

  function takeLine(line: string): ServerEvent | undefined {
    if (line === '') {
      const complete =
        data.length > 0 || event !== '' ? { event: event || 'message', data: data.join('\n') } : undefined;
      event = '';
      data = [];
      dataCharacters = 0;
      return complete;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    if (field === 'data') {
      data.push(value);
      dataCharacters += value.length;
    }
    return undefined;
  }

  return {
    push(text) {
      rest += text;
      const events: ServerEvent[] = [];
      let start = 0;
      for (const match of rest.matchAll(/\r\n|\n|\r/g)) {
        // a carriage return at the end may be half of a CRLF
        if (match[0] === '\r' && match.index === rest.length - 1) break;
        const complete = takeLine(rest.slice(start, match.index));
        if (complete !== undefined) events.push(complete);
        start = match.index + match[0].length;
      }
      rest = rest.slice(start);
      if (rest.length + dataCharacters > eventMaxCharacters)
        throw new RangeError(`an event has more than ${eventMaxCharacters} characters`);
      return events;
    },
  };
}

/** The events of a body. Ends with it. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const parser = createEventParser();
  const decoder = new TextDecoder();
  for await (const bytes of body) yield* parser.push(decoder.decode(bytes, { stream: true }));
}
