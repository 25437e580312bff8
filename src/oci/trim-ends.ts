/** Removes `char` from the end in linear time; `/x+$/` would be quadratic. */
export function trimTrailing(text: string, char: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === char) end -= 1;
  return text.slice(0, end);
}

/** A base URL, ready for a path. */
export function trimTrailingSlashes(url: string): string {
  return trimTrailing(url, '/');
}
