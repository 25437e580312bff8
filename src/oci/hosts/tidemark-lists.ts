/** How a Tidemark announces its list of tags with digests, with `/v2/` and each list of tags (docs/serving.md, "Tags with digests"). */
export const tidemarkLists = { header: 'tidemark-lists', value: 'tags/digests' } as const;

/** How it announces the state of a repository, with the first page of a list of tags (docs/serving.md, "Changes since a state"). */
export const tidemarkState = { header: 'tidemark-state' } as const;

/** A state as a Tidemark writes it: the number of a version, and a hash of what makes it that version. */
export function isTidemarkState(text: string): boolean {
  return /^[1-9][0-9]{0,9}-[0-9a-f]{32}$/.test(text);
}

/** Below `/v2/<name>/_tidemark/`: what has changed since a state. */
export const tidemarkChanges = 'tags/changes';
