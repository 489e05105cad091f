/** Numbers of an evaluation as tables show them; `-` where there is none. */
export const scoreText = {
  psnr: (value: number): string => (Number.isFinite(value) ? value.toFixed(2) : 'identical'),
  gain: (value: number | undefined): string =>
    value === undefined || !Number.isFinite(value) ? '-' : `${value < 0 ? '' : '+'}${value.toFixed(2)}`,
  fixed: (value: number | undefined, digits: number): string => (value === undefined ? '-' : value.toFixed(digits)),
} as const;
