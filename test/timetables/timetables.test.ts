/** Times of the week as people write them: rates of bandwidth, and windows of syncs. */
import { describe, expect, test } from 'vitest';
import { parseHostRates } from '../../src/timetables/host-rates.ts';
import { parseRates, rateAt } from '../../src/timetables/rates.ts';
import { openWindows, parseWindow, windowState } from '../../src/timetables/windows.ts';

/** 2026-06-01 is a Monday. */
const at = (time: string) => Date.parse(`2026-06-${time}:00Z`);

function rate(text: string, time: string): number | undefined {
  const parsed = parseRates(text);
  if ('mistake' in parsed) throw new Error(parsed.mistake);
  return rateAt(parsed.value, at(time));
}

describe('bytes a second', () => {
  const issue = '06:00-22:00 20MB/s, else off';
  const week = 'Mon-Fri 08:00-18:00 5MB/s, Mon-Fri 18:00-08:00 10 MiB/s, Sat-Sun off, else 1GB/s';
  test.each([
    { text: '20MB/s', time: '01T00:00', is: 20e6 },
    { text: '1.5 MiB/s', time: '01T00:00', is: 1.5 * 2 ** 20 },
    { text: '100Mbit/s', time: '01T00:00', is: 12.5e6 },
    { text: 'off', time: '01T00:00', is: undefined },
    { text: issue, time: '01T05:59', is: undefined },
    { text: issue, time: '01T06:00', is: 20e6 },
    { text: issue, time: '01T21:59', is: 20e6 },
    { text: issue, time: '01T22:00', is: undefined },
    { text: '06:00-22:00 20MB/s', time: '01T23:00', is: undefined },
    { text: '06:00-22:00 off, else 5MB/s', time: '01T23:00', is: 5e6 },
    { text: week, time: '01T09:00', is: 5e6 },
    { text: week, time: '05T20:00', is: 10 * 2 ** 20 },
    // the night of Friday
    { text: week, time: '06T07:59', is: 10 * 2 ** 20 },
    { text: week, time: '06T08:00', is: undefined },
    // the night of Sunday is no night of a weekday
    { text: week, time: '01T07:59', is: 1e9 },
  ])('$text at $time', ({ text, time, is }) => {
    expect(rate(text, time)).toBe(is);
  });

  test('a time is that of the zone, with its daylight saving', () => {
    const berlin = `${issue} (Europe/Berlin)`;
    // 04:30 UTC is 06:30 in Berlin in June, and 05:30 in January
    expect(rate(berlin, '01T04:30')).toBe(20e6);
    const parsed = parseRates(berlin);
    if ('value' in parsed) expect(rateAt(parsed.value, Date.parse('2026-01-05T04:30Z'))).toBeUndefined();
  });

  test.each([
    ['', 'without a time'],
    ['20', 'such as 20MB/s'],
    ['20Mb/s', 'such as 20MB/s'],
    ['7 20MB/s', 'such as 20MB/s'],
    ['-5MB/s', 'without a time'],
    ['1kB/s', 'at least 10kB/s'],
    ['5MB/s (Berlin)', 'time zone "Berlin"'],
    ['06:00-22:00', 'expected a number with'],
    ['06:00-25:00 5MB/s', 'from 00:00 to 24:00'],
    ['06:00-06:00 5MB/s', '00:00-24:00'],
    ['else 5MB/s', 'without a time'],
    ['06:00-22:00 20MB/s, else off, 22:00-23:00 1MB/s', 'without a time'],
    ['x'.repeat(501), '501 characters'],
    [Array.from({ length: 22 }, () => '06:00-22:00 20MB/s').join(), '22 periods'],
  ])('refuses %s', (text, says) => {
    const parsed = parseRates(text);
    expect('mistake' in parsed ? parsed.mistake : 'accepted').toContain(says);
  });
});

describe('limits of hosts', () => {
  test('reads hosts, ports and zones', () => {
    const parsed = parseHostRates(
      'Quay.io=5MB/s; registry.lan:5000=06:00-22:00 20MB/s, else off (Europe/Berlin);',
    );
    if ('mistake' in parsed) throw new Error(parsed.mistake);
    expect([...parsed.value.keys()]).toEqual(['quay.io', 'registry.lan:5000']);
    const timetable = parsed.value.get('registry.lan:5000');
    expect(timetable?.timeZone).toBe('Europe/Berlin');
  });

  test.each([
    ['5MB/s', 'expected a host'],
    ['https://quay.io=5MB/s', 'expected a host'],
    ['quay.io/library=5MB/s', 'expected a host'],
    ['quay.io=5MB/s;quay.io=6MB/s', 'twice'],
    ['quay.io=5MB/s (Berlin)', 'time zone "Berlin"'],
    ['quay.io=fast', 'for quay.io'],
  ])('refuses %s', (text, says) => {
    const parsed = parseHostRates(text);
    expect('mistake' in parsed ? parsed.mistake : 'accepted').toContain(says);
  });
});

function state(texts: string[], time: string): unknown[] {
  const { isOpen, untilMs } = windowState(openWindows(texts), at(time));
  return [isOpen, untilMs === undefined ? undefined : new Date(untilMs).toISOString().slice(8, 16)];
}

describe('windows of syncs', () => {
  test.each([
    { texts: [], time: '01T12:00', is: [true, undefined] },
    { texts: ['22:00-06:00'], time: '01T12:00', is: [false, '01T22:00'] },
    { texts: ['22:00-06:00'], time: '01T22:00', is: [true, '02T06:00'] },
    { texts: ['22:00-06:00'], time: '01T05:59', is: [true, '01T06:00'] },
    { texts: ['Mon-Fri 22:00-06:00', 'Sat-Sun'], time: '05T23:00', is: [true, '08T00:00'] },
    { texts: ['Sat-Sun'], time: '01T00:00', is: [false, '06T00:00'] },
    { texts: ['Sat'], time: '07T00:00', is: [false, '13T00:00'] },
    { texts: ['00:00-24:00'], time: '01T12:00', is: [true, undefined] },
    { texts: ['10:00-11:00', '11:01-12:00'], time: '01T10:30', is: [true, '01T11:00'] },
    { texts: ['10:00-11:00', '11:01-12:00'], time: '01T11:00', is: [false, '01T11:01'] },
    { texts: ['10:00-11:00', '13:00-14:00 (Europe/Berlin)'], time: '01T10:30', is: [true, '01T12:00'] },
    { texts: ['Fri-Mon 10:00-11:00'], time: '01T10:00', is: [true, '01T11:00'] },
  ])('$texts at $time', ({ texts, time, is }) => {
    expect(state(texts, time)).toEqual(is);
  });

  test('the night of a change to daylight saving is an hour shorter', () => {
    const windows = openWindows(['22:00-06:00 (Europe/Berlin)']);
    const before = windowState(windows, Date.parse('2026-03-28T20:59:30Z'));
    expect(before).toEqual({ isOpen: false, untilMs: Date.parse('2026-03-28T21:00Z') });
    const night = windowState(windows, Date.parse('2026-03-28T23:00Z'));
    expect(night).toEqual({ isOpen: true, untilMs: Date.parse('2026-03-29T04:00Z') });
  });

  test.each([
    ['', 'not a window'],
    ['night', 'such as 06:00-22:00'],
    ['22:00', 'such as 06:00-22:00'],
    ['22:00-06:00 5MB/s', 'words after its time'],
    ['Mon-Fri-Sun', 'such as'],
    ['0 22 * * *', 'such as'],
    ['22:00-06:00 (CET/Berlin)', 'time zone'],
    [' '.repeat(101), '101 characters'],
  ])('refuses %s', (text, says) => {
    const parsed = parseWindow(text);
    expect('mistake' in parsed ? parsed.mistake : 'accepted').toContain(says);
  });
});
