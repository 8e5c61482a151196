/** @type {import('dependency-cruiser').IConfiguration} */
const source = '\\.(ts|js|mjs|svelte)$';
const test = '(\\.test\\.ts$|/test/)';
const contract = '^server/contract/src/';
const engine = '^server/engine/src/';
const npm = 'node_modules/';

/** Inside the engine: `pipelines` → `families` → `networks` → `patches` → `onnx`, `weights`. Each may use those on its right. */
const layers = ['pipelines', 'families', 'networks', 'patches', '(onnx|weights)'];
const upwards = layers.slice(1).map((layer, index) => ({
  name: `engine-${layer.replace(/\W+/g, '-')}-looks-down`,
  comment: `${layer} must not know ${layers.slice(0, index + 1).join(' or ')}.`,
  severity: 'error',
  from: { path: `${engine}${layer}/`, pathNot: test },
  to: { path: `${engine}(${layers.slice(0, index + 1).join('|')})/` },
}));

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'contract-imports-only-zod',
      severity: 'error',
      from: { path: contract, pathNot: test },
      to: { pathNot: [contract, `${npm}zod/`] },
    },
    {
      name: 'client-imports-only-the-contract',
      comment: 'The browser and the server share the contract and nothing else.',
      severity: 'error',
      from: { path: '^client/src/' },
      to: { path: '^(server|extensions|bench)/', pathNot: contract },
    },
    {
      name: 'engine-stands-alone',
      comment: 'No HTTP, no database, no contract: the engine is usable as a library.',
      severity: 'error',
      from: { path: engine, pathNot: test },
      to: {
        path: [
          '^(server|client|extensions|bench)/',
          `${npm}(zod|express|better-sqlite3|kysely|sharp|socket\\.io)/`,
        ],
        pathNot: engine,
      },
    },
    {
      name: 'diffusion-and-prompt-depend-on-nothing',
      severity: 'error',
      from: { path: `${engine}(diffusion|prompt)/`, pathNot: test },
      to: { path: source, pathNot: `${engine}$1/` },
    },
    {
      name: 'diffusion-and-prompt-touch-no-platform',
      comment:
        'No files, no timers, no packages in the maths. The tokenizer takes its merges as an argument or as data.',
      severity: 'error',
      from: { path: `${engine}(diffusion|prompt)/`, pathNot: test },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev'] },
    },
    {
      name: 'only-onnx-folder-imports-onnxruntime',
      severity: 'error',
      from: {
        path: ['^server/', '^bench/', '^extensions/'],
        pathNot: ['^server/engine/src/onnx/', test],
      },
      to: { path: `${npm}onnxruntime` },
    },
    ...upwards,
    {
      name: 'only-storage-imports-sqlite',
      severity: 'error',
      from: { path: '^server/', pathNot: ['^server/src/storage/', '^server/src/cli/', test] },
      to: { path: `${npm}better-sqlite3`, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-public-engine-api',
      comment: 'The server takes the engine by its index, never by a file inside it.',
      severity: 'error',
      from: { path: '^server/src/' },
      to: { path: engine, pathNot: `${engine}index\\.ts$` },
    },
    {
      name: 'extensions-import-only-the-api',
      severity: 'error',
      from: { path: '^extensions/([^/]+)/' },
      to: {
        path: '^(server|client|bench|extensions)/',
        pathNot: ['^server/extension-api/', '^extensions/$1/'],
      },
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      from: { pathNot: test },
      to: { path: test },
    },
    {
      name: 'bootstrap-needs-nothing-installed',
      comment: 'It runs before npm has installed anything.',
      severity: 'error',
      from: { path: '^server/bootstrap/' },
      to: { pathNot: '^server/bootstrap/', dependencyTypesNot: ['core'] },
    },
  ],
  options: {
    doNotFollow: { path: npm },
    exclude: { path: '^(server|client|bench|server/contract|server/engine)/dist/' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['atelier-source', 'svelte', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.svelte', '.json', '.d.ts'],
    },
  },
};
