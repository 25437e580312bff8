/** `10,000` */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1 tag`, `2 tags`, `3 repositories` */
export function countOf(count: number, noun: string): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural(noun)}`;
}

function plural(noun: string): string {
  return /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
}
