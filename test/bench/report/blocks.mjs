const BLOCK = /<!-- generated:([\w-]+) -->[^]*?<!-- \/generated -->/g;

/** Fills what stands between `<!-- generated:NAME -->` and `<!-- /generated -->`, each with the text of that name. */
export const filled = (document, texts) =>
  document.replace(BLOCK, (block, name) =>
    texts[name] === undefined ? block : `<!-- generated:${name} -->\n\n${texts[name]}\n\n<!-- /generated -->`,
  );

export const namesIn = (document) => [...document.matchAll(BLOCK)].map(([, name]) => name);
