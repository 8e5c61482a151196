/** A process that tries one native module, says its version, and may end over it. Started by `checkNative`. */

const PROBES: Record<string, () => Promise<string>> = {
  async onnxruntime() {
    const { testRuntime } = await import('@atelier/engine');
    await testRuntime();
    return 'works';
  },
  async sharp() {
    const { default: sharp } = await import('sharp');
    const grey = { create: { width: 8, height: 8, channels: 3 as const, background: '#808080' } };
    const png = await sharp(grey).png().toBuffer();
    const { width } = await sharp(png).metadata();
    if (width !== 8) throw new Error(`Expected a picture 8 wide but it is ${width}`);
    return `sharp ${sharp.versions.sharp ?? ''} (libvips ${sharp.versions.vips})`;
  },
  async sqlite() {
    const { default: Database } = await import('better-sqlite3');
    const database = new Database(':memory:');
    const version = database.prepare('SELECT sqlite_version()').pluck().get();
    database.close();
    return `SQLite ${String(version)}`;
  },
};

const name = process.argv[2] ?? '';
const run = PROBES[name];
if (run === undefined) throw new Error(`There is no probe for "${name}"`);
try {
  process.stdout.write(`${await run()}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
