# Programs in other languages that the helper holds as texts.

setup() {
  load support
}

@test "the helper's sh programs pass shellcheck and parse in dash and busybox" {
  need shellcheck dash busybox
  for program in "$ROOT"/helpers/*/*.sh; do
    run shellcheck -s sh -S style "$program"
    [ "$output" = '' ]
    dash -n "$program"
    busybox sh -n "$program"
  done
}

@test "the helper's perl programs compile without warnings" {
  need perl
  for program in "$ROOT"/helpers/*/*.pl; do
    run perl -wc "$program"
    [ "$output" = "$program syntax OK" ]
  done
}
