import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

// Compiled by themselves, against packages that are not installed here: linted without types.
const apart = ['test/package/apps/**', 'test/bench/**'];

export default defineConfig(
  globalIgnores([
    '**/dist/',
    '**/coverage/',
    '**/build/',
    'test/docs/.blocks/',
    'libs/rate-limit/src/stores/redis/wire/consume.script.ts',
  ]),
  { linterOptions: { reportUnusedDisableDirectives: 'error', reportUnusedInlineConfigs: 'error' } },
  { rules: { eqeqeq: 'error' } },
  {
    files: ['**/*.{js,cjs,mjs}'],
    rules: {
      'no-const-assign': 'error',
      'no-dupe-else-if': 'error',
      'no-dupe-keys': 'error',
      'no-fallthrough': 'error',
      'no-redeclare': 'error',
      'no-self-compare': 'error',
      'no-unreachable': 'error',
      'no-unsafe-finally': 'error',
      'no-unused-vars': ['error', { ignoreRestSiblings: true }],
      'no-useless-assignment': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['**/*.{ts,mts,cts}'],
    ignores: apart,
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // An async function rejects where another would throw: that is a reason to be one.
      '@typescript-eslint/require-await': 'off',
      // Options and hits also come from JavaScript: they are checked for what their types rule out.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // noUncheckedIndexedAccess makes every index doubtful; `!` says where it cannot be.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // `() => store.clear()` is the shortest way to say it, and `() => void store.clear()` says it too.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      // A module is an empty class with a decorator, also where the decorator is called as a function.
      '@typescript-eslint/no-extraneous-class': 'off',
      // Nest declares its options as classes and takes literals.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // `listOf<Policy>(key, target)` reads better than a cast around it, and is no less safe.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    ignores: apart,
    rules: {
      // What comes over the wire is `any`, and the expectation says what it must be.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unnecessary-type-conversion': 'off',
      // Fakes and spies are handed about as bare functions.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: apart,
    ignores: ['**/*.{js,cjs,mjs}'],
    extends: [tseslint.configs.strict],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
    },
  },
);
