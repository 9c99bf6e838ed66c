// Swagger UI has a dark mode, and leaves it to the page when to use it.
const dark = matchMedia('(prefers-color-scheme: dark)');
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', follow);
follow();

// The page of @nestjs/swagger has none, and is tiny on a phone without.
const viewport = Object.assign(document.createElement('meta'), { name: 'viewport', content: 'width=device-width' });
document.head.append(viewport);
