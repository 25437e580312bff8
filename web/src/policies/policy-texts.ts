interface Identity {
  readonly issuer: string;
  readonly subject: string;
}

/** Blocks in PEM or armor, one after the other; a text without blocks stays whole, so that the API names the mistake. */
export function keysOf(text: string): string[] {
  const blocks = text.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g);
  if (blocks !== null) return blocks.map((block) => `${block}\n`);
  return text.trim() === '' ? [] : [text];
}

/** `subject issuer` a line. */
export function identitiesOf(text: string): Identity[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const at = line.lastIndexOf(' ');
      return at === -1
        ? { subject: line, issuer: '' }
        : { subject: line.slice(0, at).trim(), issuer: line.slice(at + 1) };
    });
}

export function identityLines(identities: readonly Identity[]): string {
  return identities.map(({ subject, issuer }) => `${subject} ${issuer}`).join('\n');
}
