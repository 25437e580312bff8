import { createTheme } from '@mantine/core';
import type { CSSVariablesResolver } from '@mantine/core';

export const theme = createTheme({
  primaryColor: 'tide',
  primaryShade: { light: 7, dark: 6 },
  colors: {
    tide: [
      '#eef2ff',
      '#dbe3ff',
      '#b7c5fb',
      '#91a7f7',
      '#6e89f0',
      '#5673ea',
      '#4562e0',
      '#3556d4',
      '#2c48b5',
      '#243b94',
    ],
    dark: [
      '#dfe5ec',
      '#b7c0cc',
      '#98a2b0',
      '#6b7685',
      '#3a4350',
      '#2a313b',
      '#1c222a',
      '#10141a',
      '#0c1015',
      '#080a0d',
    ],
  },
  fontFamily: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  fontFamilyMonospace:
    "ui-monospace, 'SF Mono', SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace",
  fontSizes: { xs: '12px', sm: '13.5px', md: '14.5px', lg: '16px', xl: '19px' },
  headings: {
    fontWeight: '640',
    sizes: { h3: { fontSize: '21px' }, h4: { fontSize: '17px' }, h6: { fontSize: '13px' } },
  },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'sm' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Modal: { defaultProps: { centered: false, radius: 'lg', closeButtonProps: { 'aria-label': 'Close' } } },
  },
});

/** Mantine's grey for secondary text lacks contrast on white. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#f7f8fa',
    '--mantine-color-dimmed': '#596472',
    '--mantine-color-placeholder': '#697481',
    '--mantine-color-default-border': '#dde2e8',
    '--mantine-color-default-hover': '#f1f4f8',
    '--mantine-color-error': '#c92a2a',
    '--mantine-color-anchor': '#2c48b5',
  },
  dark: {
    '--mantine-color-dimmed': '#98a2b0',
    '--mantine-color-placeholder': '#8792a1',
    '--mantine-color-default': '#151a21',
    '--mantine-color-default-border': '#2a313b',
    '--mantine-color-default-hover': '#1c232c',
    '--mantine-color-error': '#ff8a8a',
    '--mantine-color-anchor': '#a9bbff',
  },
});
