interface Summary {
  readonly contentSummary: {
    readonly added: { readonly tags: number };
    readonly removed: { readonly tags: number };
  };
  readonly added: { readonly nodes: readonly { readonly name: string }[] };
  readonly removed: { readonly nodes: readonly { readonly name: string }[] };
}

export interface Change {
  /** False when the version changed more tags than are read here: a moved one then counts as added and removed. */
  readonly exact: boolean;
  readonly added: { readonly count: number; readonly names: readonly string[] };
  readonly moved: { readonly count: number; readonly names: readonly string[] };
  readonly removed: { readonly count: number; readonly names: readonly string[] };
}

/** A moved tag is among the added and among the removed ones. */
export function describeChange({ contentSummary, added, removed }: Summary): Change {
  const [come, gone] = [added, removed].map(({ nodes }) => nodes.map(({ name }) => name)) as [
    string[],
    string[],
  ];
  const exact = come.length === contentSummary.added.tags && gone.length === contentSummary.removed.tags;
  const moved = come.filter((name) => gone.includes(name));
  const only = (names: readonly string[]) => names.filter((name) => !moved.includes(name));
  return {
    exact,
    added: { names: only(come), count: contentSummary.added.tags - moved.length },
    moved: { names: moved, count: moved.length },
    removed: { names: only(gone), count: contentSummary.removed.tags - moved.length },
  };
}

/** One line for each kind of change, with up to eight names. */
export function namesShown(change: Change) {
  return (['added', 'moved', 'removed'] as const)
    .map((mark) => {
      const { names, count } = change[mark];
      const shown = names.slice(0, 8);
      const more = count - shown.length;
      return {
        mark,
        label: mark,
        names: `${shown.join(', ')}${more > 0 ? ` and ${more.toLocaleString()} more` : ''}`,
      };
    })
    .filter(({ names }) => names !== '');
}
