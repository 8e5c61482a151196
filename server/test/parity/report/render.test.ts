import { describe, expect, it } from 'vitest';
import { render, type Measurement } from './render.mjs';

const measured = (change: Partial<Measurement> = {}): Measurement => ({
  section: 'UNets',
  feature: 'SD 1.x',
  against: 'diffusers 1',
  isInRepository: false,
  unit: 'absolute',
  error: 1e-6,
  limit: 2e-5,
  ...change,
});

describe('the report of measurements', () => {
  it('has one row for a feature, with its largest error in two digits', () => {
    expect(render([measured(), measured({ error: 4.3219e-6 }), measured({ error: 0 })])).toBe(
      [
        '## UNets\n',
        '| Feature | Compared with | Data | Comparisons | Largest error | Limit |',
        '| --- | --- | --- | --- | --- | --- |',
        '| SD 1.x | diffusers 1 | elsewhere | 3 | 4.3e-6 | 2e-5 |\n',
      ].join('\n'),
    );
  });

  it('keeps units and limits apart', () => {
    const text = render([
      measured({ unit: 'level', error: 1, limit: 2 }),
      measured({ unit: 'std', error: 1e-4, limit: 1e-3 }),
      measured({ unit: 'std', error: 2e-4, limit: 1e-2 }),
    ]);
    expect(text).toContain('| 1 | 1e-4 × std; 2e-4 × std; 1 of 255 | 0.001 × std; 0.01 × std; 2 of 255 |');
  });

  it('keeps references apart, and what a clone can check from what it cannot', () => {
    const text = render([
      measured(),
      measured({ isInRepository: true }),
      measured({ against: 'diffusers 2' }),
      measured({ section: 'Text', unit: 'exact', error: 0, limit: 0 }),
    ]);
    expect(text.match(/\| SD 1\.x \|/g)).toHaveLength(4);
    expect(text.indexOf('## Text')).toBeLessThan(text.indexOf('## UNets'));
    expect(text).toContain('| here | 1 | 1e-6 | 2e-5 |');
    expect(text).toContain('| exact | exact |');
  });

  it('does not depend on the order of the measurements', () => {
    const all = ['b', 'a', 'c'].map((feature, error) => measured({ feature, error }));
    expect(render(all)).toBe(render(all.toReversed()));
  });

  it('refuses a section that it would leave out', () => {
    expect(() => render([measured({ section: 'Other' as 'Text' })])).toThrow('no section "Other"');
  });
});
