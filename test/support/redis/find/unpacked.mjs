import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** How to start a server from unpacked packages: through their own loader, with their own libraries. */
export function commandIn(root, name) {
  const folders = ['usr/lib', 'lib'].flatMap((lib) => triplets(join(root, lib)));
  const loaders = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter(isLoader)
      .map((file) => join(folder, file)),
  );
  if (!loaders[0]) throw new Error(`no loader in ${root}`);
  return [loaders[0], '--library-path', folders.join(':'), join(root, 'usr/bin', name)];
}

const isLoader = (file) => /^ld-linux.*\.so\.\d+$/.test(file);

const triplets = (lib) =>
  existsSync(lib)
    ? readdirSync(lib)
        .filter((each) => each.includes('-linux-'))
        .map((each) => join(lib, each))
    : [];
