import { useLayoutEffect, useState } from 'react';
import type { RefObject } from 'react';
import { flushSync } from 'react-dom';

/** Rows that are rendered above and below those in sight, so that the next focus and the next frame find them. */
const beyond = 6;

interface Options {
  readonly scroller: RefObject<HTMLElement | null>;
  readonly rowHeight: number;
  /** Without a window all rows are rendered. */
  readonly isWindowed: boolean;
}

/**
 * The rows of a scrolled list that are rendered, from `first` and before `end`. All rows have one height, so nothing is measured, and nothing
 * is kept for each row.
 */
export function useRowWindow(
  count: number,
  { scroller, rowHeight, isWindowed }: Options,
): { readonly first: number; readonly end: number } {
  const [seen, see] = useState({ first: 0, end: 0 });
  useLayoutEffect(() => {
    const { current: element } = scroller;
    if (!isWindowed || element === null) return undefined;
    const look = () => {
      const { scrollTop, clientHeight } = element;
      const first = Math.max(0, Math.floor(scrollTop / rowHeight) - beyond);
      const end = Math.ceil((scrollTop + clientHeight) / rowHeight) + beyond;
      see((before) => (before.first === first && before.end === end ? before : { first, end }));
    };
    // In the frame of the event, so that no row comes a frame late.
    const scrolled = () => flushSync(look);
    const resized = new ResizeObserver(look);
    look();
    resized.observe(element);
    element.addEventListener('scroll', scrolled, { passive: true });
    return () => {
      resized.disconnect();
      element.removeEventListener('scroll', scrolled);
    };
  }, [scroller, rowHeight, isWindowed]);
  if (!isWindowed) return { first: 0, end: count };
  return { first: Math.min(seen.first, count), end: Math.min(seen.end, count) };
}
