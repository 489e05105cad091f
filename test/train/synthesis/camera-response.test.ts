import { describe, expect, it } from 'vitest';
import { cameraResponses, codeOf, codeTable, linearTable } from '../../../src/train/synthesis/camera-response.js';

describe.each(cameraResponses)('the camera response $name', (response) => {
  it('rises from black to white', () => {
    expect(response.toLinear(0)).toBeCloseTo(0, 6);
    expect(response.toLinear(1)).toBeCloseTo(1, 6);
    const light = linearTable(response);
    for (let code = 1; code < 256; code += 1) expect(light[code]).toBeGreaterThan(light[code - 1]!);
  });

  it('gives every code value back through its tables', () => {
    const [light, codes] = [linearTable(response), codeTable(response)];
    for (let code = 0; code < 256; code += 1) expect(Math.round(codeOf(codes, light[code]!))).toBe(code);
  });
});
