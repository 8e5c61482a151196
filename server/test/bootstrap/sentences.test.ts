import { describe, expect, it } from 'vitest';
import { SetupError, describeFailure } from '../../bootstrap/failure.mjs';
import { installAdvice } from '../../bootstrap/install.mjs';
import { nodeProblem } from '../../bootstrap/node-version.mjs';
import { missingTools, toolchainAdvice } from '../../bootstrap/toolchain.mjs';

describe('the Node version', () => {
  it.each(['20.19.0', '20.20.2', '22.13.0', '24.0.0', '26.1.0'])('accepts %s', (version) => {
    expect(nodeProblem(version)).toBeNull();
  });

  it.each(['12.22.1', '18.20.4', '20.18.3', '21.7.0', '22.12.0', '23.5.0', '9.0'])(
    'refuses %s by name',
    (version) => {
      expect(nodeProblem(version)).toContain(`this is Node ${version}:`);
      expect(nodeProblem(version)).toContain('https://nodejs.org');
    },
  );
});

describe('a missing toolchain', () => {
  it('names each tool that has no program', () => {
    const onlyClang = (program: string): string | null => (program === 'clang++' ? '/usr/bin/clang++' : null);
    expect(missingTools(onlyClang, 'linux')).toEqual(['make', 'Python 3']);
    expect(missingTools(() => '/usr/bin/it', 'linux')).toEqual([]);
  });

  it.each([
    ['linux', 'sudo apt-get install -y g++ make python3'],
    ['darwin', 'xcode-select --install'],
    ['win32', 'winget install'],
  ] as const)('says the command of %s', (platform, command) => {
    const sentence = toolchainAdvice(['a C++ compiler', 'make'], platform);
    expect(sentence).toContain('a C++ compiler and make are missing');
    expect(sentence).toContain(command);
  });
});

describe('a failed npm', () => {
  it('asks for the toolchain only if that is what is missing', () => {
    const compiling =
      'npm error gyp ERR! find Python\nnpm error prebuild-install warn install getaddrinfo ENOTFOUND';
    expect(installAdvice(compiling, ['Python 3'])).toContain('Python 3 is missing');
    expect(installAdvice(compiling, [])).toContain('could not be compiled');
  });

  it.each(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ETIMEDOUT'])('reads %s as no network', (code) => {
    expect(installAdvice(`npm error code ${code}`, [])).toContain('connect to the network');
  });

  it('tells a refused write, a full disk and a wrong lock file apart', () => {
    expect(installAdvice('npm error code EACCES', [])).toContain('may not write here');
    expect(installAdvice('npm error code ENOSPC', [])).toContain('disk is full');
    expect(installAdvice('npm error code EUSAGE', [])).toContain('do not belong together');
    expect(installAdvice('npm error code E404', [])).toContain('says why above');
  });
});

describe('a failure on the terminal', () => {
  const refused = Object.assign(new Error('EACCES: permission denied'), {
    code: 'EACCES',
    path: '/opt/atelier',
  });

  it('is one sentence, below what the tool printed', () => {
    expect(describeFailure(new SetupError('Do this.', { output: 'noise\n' }), false)).toBe(
      'noise\n\nDo this.\n',
    );
    expect(describeFailure(new SetupError('Do this.'), false)).toBe('Do this.\n');
  });

  it('names the folder that may not be written', () => {
    expect(describeFailure(refused, false)).toMatch(/^Atelier may not write to \/opt\/atelier: .*\n$/);
  });

  it('shows a stack only when asked', () => {
    const bug = new Error('undefined is not a function');
    expect(describeFailure(bug, false)).not.toContain(' at ');
    expect(describeFailure(bug, true)).toContain(' at ');
  });
});
