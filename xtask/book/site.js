// Marks the commands of a terminal session, and lets the copy button copy them without the prompts and the output.
(() => {
  const commands = new WeakMap();

  for (const code of document.querySelectorAll("code.language-console")) {
    const lines = code.textContent.replace(/\n$/, "").split("\n");
    commands.set(
      code,
      lines
        .filter((line) => line.startsWith("$ "))
        .map((line) => line.slice(2))
        .join("\n"),
    );
    code.textContent = "";
    for (const line of lines) {
      if (line.startsWith("$ ")) {
        const prompt = document.createElement("span");
        prompt.className = "hljs-meta";
        prompt.textContent = "$ ";
        const command = document.createElement("span");
        command.className = "command";
        command.textContent = line.slice(2);
        code.append(prompt, command, "\n");
      } else {
        code.append(line, "\n");
      }
    }
  }

  // The listener runs before the one of mdBook, which copies all lines.
  document.addEventListener(
    "click",
    (event) => {
      const button = event.target.closest?.(".clip-button");
      const code = button?.closest("pre")?.querySelector("code");
      if (code && commands.has(code)) {
        event.stopImmediatePropagation();
        navigator.clipboard.writeText(commands.get(code));
      }
    },
    true,
  );
})();
