class Honeyhive < Formula
  desc "Command-line client and server of HoneyHive"
  homepage "@REPOSITORY@"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  # archives

  def install
    bin.install "honeyhive"
    man1.install Dir["man/man1/*.1"]
    bash_completion.install "completions/bash/honeyhive"
    fish_completion.install "completions/fish/honeyhive.fish"
    zsh_completion.install "completions/zsh/_honeyhive"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/honeyhive --version")
  end
end
