import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatBytes } from '../../../src/cli/progress/format.ts';

interface Props {
  /** All that the chart says, for who does not see it. */
  readonly label: string;
  readonly days: readonly { readonly day: string; readonly bytes: number }[];
  readonly kind: 'line' | 'bars';
}

const HEIGHT = 150;
const DAY_SECONDS = 86_400;

/** Bytes by day. The days are those of UTC. */
export function DayChart({ label, days, kind }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  // Colours of a canvas do not follow the theme.
  const scheme = useComputedColorScheme();
  const [pointed, setPointed] = useState<number>();
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const times = days.map(({ day }) => Date.parse(day) / 1_000);
    const bytes = days.map((day) => day.bytes);
    const plot = new UPlot(
      {
        ...describe(kind, readColours(element)),
        width: element.clientWidth,
        height: HEIGHT,
        hooks: { setCursor: [point] },
      },
      [times, bytes],
      element,
    );
    function point({ cursor }: UPlot): void {
      setPointed(cursor.idx ?? undefined);
    }
    const resizes = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    resizes.observe(element);
    return () => {
      resizes.disconnect();
      plot.destroy();
    };
  }, [days, kind, scheme]);
  const day = pointed === undefined ? undefined : days[pointed];
  return (
    <>
      <div ref={ref} role="img" aria-label={label} style={{ height: HEIGHT }} />
      <div style={{ minHeight: 20, fontSize: 12.5 }} aria-hidden>
        {day === undefined
          ? ''
          : `${new Date(day.day).toLocaleDateString(undefined, { timeZone: 'UTC', dateStyle: 'medium' })}: ${formatBytes(day.bytes)}`}
      </div>
    </>
  );
}

interface Colours {
  readonly text: string;
  readonly grid: string;
  readonly ink: string;
  readonly fill: string;
}

function readColours(element: Element): Colours {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: read('--mantine-color-dimmed'),
    grid: read('--line-faint'),
    ink: read('--mantine-primary-color-filled'),
    fill: read('--mantine-primary-color-light'),
  };
}

function describe(
  kind: Props['kind'],
  { text, grid, ink, fill }: Colours,
): Omit<UPlot.Options, 'width' | 'height'> {
  const axis = {
    stroke: text,
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
    font: '11px sans-serif',
  };
  const bars = kind === 'bars' ? UPlot.paths.bars?.({ size: [0.7, 24] }) : undefined;
  return {
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: kind === 'line' } },
    tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
    scales: {
      x: { time: true, range: (_, min, max) => [min - DAY_SECONDS / 2, max + DAY_SECONDS / 2] },
      y: { range: (_, __, max) => [0, Math.max(max, 1) * 1.1] },
    },
    axes: [
      { ...axis, space: 60 },
      { ...axis, size: 74, values: (_, splits) => splits.map((bytes) => formatBytes(bytes)) },
    ],
    series: [
      {},
      {
        stroke: ink,
        fill,
        width: 2,
        points: { show: false },
        ...(bars === undefined ? {} : { paths: bars }),
      },
    ],
  };
}
