/** The text without the characters `char` at its end; in one pass, where `/x+$/` begins anew at each run of them. */
export function trimTrailing(text: string, char: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === char) end -= 1;
  return text.slice(0, end);
}

/** A base URL as paths are put behind it. */
export function trimTrailingSlashes(url: string): string {
  return trimTrailing(url, '/');
}
