/** Bytes are compared as bytes: element by element, a few megabytes would be a turn of the event loop of their own. */
import { expect } from 'vitest';

expect.addEqualityTesters([
  (one: unknown, other: unknown) =>
    one instanceof Uint8Array && other instanceof Uint8Array && one.constructor === other.constructor
      ? Buffer.compare(one, other) === 0
      : undefined,
]);
