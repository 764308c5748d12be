"""Shell completion: commands, and the names of functions where one is expected."""

from __future__ import annotations

from ecs_connector.errors import ConfigError

COMMANDS = ("run", "flow", "list", "describe", "skeleton", "verify", "local", "sailor", "service", "completion")
_FUNCTION_AFTER = "run|describe|skeleton"
_METHODS = "verifyCredentials getMetaModel selectModel"

_BASH = """_ecs_connector() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} command=${{COMP_WORDS[1]}} last=${{COMP_WORDS[COMP_CWORD-1]}}
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W "{commands}" -- "$word"))
  elif [[ $last == --config || $last == --scenario || $command == flow ]]; then
    COMPREPLY=($(compgen -f -- "$word"))
  elif (( COMP_CWORD == 2 )) && [[ $command == service ]]; then
    COMPREPLY=($(compgen -W "{methods}" -- "$word"))
  elif (( COMP_CWORD == 2 )) && [[ $command =~ ^({after})$ ]]; then
    COMPREPLY=($(compgen -W "$(ecs-connector list --names 2>/dev/null)" -- "$word"))
  elif [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "--body --config --set --local --scenario --debug" -- "$word"))
  fi
}}
complete -F _ecs_connector ecs-connector
"""
_ZSH = """#compdef ecs-connector
autoload -U +X bashcompinit && bashcompinit
{bash}"""
_FISH = """complete -c ecs-connector -f
complete -c ecs-connector -n __fish_use_subcommand -a '{commands}'
complete -c ecs-connector -n '__fish_seen_subcommand_from run describe skeleton' -a '(ecs-connector list --names)'
complete -c ecs-connector -n '__fish_seen_subcommand_from service' -a '{methods}'
complete -c ecs-connector -n '__fish_seen_subcommand_from flow' -F
complete -c ecs-connector -l config -r -F
complete -c ecs-connector -l body -r -F
"""


def script(shell: str) -> str:
    """Return the completion script of a shell: bash, zsh or fish.

    Raises:
        ConfigError: There is none for this shell.
    """
    bash = _BASH.format(commands=" ".join(COMMANDS), after=_FUNCTION_AFTER, methods=_METHODS)
    if shell == "bash":
        return bash
    if shell == "zsh":
        return _ZSH.format(bash=bash)
    if shell == "fish":
        return _FISH.format(commands=" ".join(COMMANDS), methods=_METHODS)
    raise ConfigError(f"There is no completion for {shell!r}; there is for bash, zsh and fish.")
