import { readVersion } from '../config/checkout.ts';
import { USAGE } from './usage.ts';

/** The command line: `npx atelier <command>`. Each command is loaded only when it is asked for. */
const [command = '--help', ...rest] = process.argv.slice(2);

switch (command) {
  case 'generate': {
    const { generateCommand } = await import('./generate/generate-command.ts');
    process.exitCode = await generateCommand(rest);
    break;
  }
  case 'doctor': {
    const { doctorCommand } = await import('./doctor/doctor-command.ts');
    process.exitCode = await doctorCommand(rest);
    break;
  }
  case 'serve':
    // The server reads its own arguments.
    process.argv.splice(2, 1);
    await import('../serve.ts');
    break;
  case 'help':
  case '--help':
  case '-h':
    process.stdout.write(USAGE);
    break;
  case '--version':
    process.stdout.write(`${readVersion()}\n`);
    break;
  default:
    process.stderr.write(`There is no command "${command}": see npx atelier --help.\n`);
    process.exitCode = 2;
}
