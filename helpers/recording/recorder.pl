#!/usr/bin/env perl
# Records a tmux pane. Reads what the pane prints from stdin and writes asciicast v2, each event at once, so that a
# file can be played whenever the recorder was killed. Runs with any perl 5 (perl-base is enough) and takes 6 MB.
# recorder.cjs does the same where there is no perl; keep the two alike.
#
# Arguments: path of the files without number and suffix, pane, tmux socket, bytes after which a file is full, files to
# keep, and "now" if the recording begins with the screen as it is. File descriptor 3 is the pane's terminal.
#
# A full file is followed by another that begins with a picture of the screen, taken when no output is on its way:
# each file can be played alone.

use strict;
use Fcntl;

my ($stem, $pane, $socket, $max, $keep, $now) = @ARGV;
umask 077;
open STDERR, ">", "/dev/null";
$SIG{HUP} = $SIG{INT} = $SIG{XFSZ} = "IGNORE";

# The file, its size, when it began, the number of the next one; whether output was lost (disk full).
my ($file, $size, $begun, $next, $lost) = (undef, 0, 0, 0, 0);
my ($columns, $rows) = (80, 24);

# Seconds since some fixed moment. The clock of the machine may be set; its uptime does not jump.
sub clock {
  if (open my $uptime, "<", "/proc/uptime") { return 0 + (split " ", <$uptime>)[0] }
  eval { require Time::HiRes; Time::HiRes::time() } || time;
}

# TIOCGWINSZ of macOS, of Linux.
my $window_size = $^O eq "darwin" ? 0x40087468 : 0x5413;
open my $terminal, "<&=", 3;

# Whether the terminal has another size than before.
sub resized {
  my $answer = "\0" x 8;
  ioctl($terminal, $window_size, $answer) or return 0;
  my ($high, $wide) = unpack "S2", $answer;
  return 0 if !$high || !$wide || $high == $rows && $wide == $columns;
  ($columns, $rows) = ($wide, $high);
  1;
}

my $utf8 = qr/
    [\0-\x7f]
  | [\xc2-\xdf] [\x80-\xbf]
  | \xe0 [\xa0-\xbf] [\x80-\xbf]
  | [\xe1-\xef] [\x80-\xbf]{2}
  | \xf0 [\x90-\xbf] [\x80-\xbf]{2}
  | [\xf1-\xf3] [\x80-\xbf]{3}
  | \xf4 [\x80-\x8f] [\x80-\xbf]{2}
/x;

# A JSON string; bytes that are no UTF-8 become U+FFFD.
sub json {
  my $text = shift;
  my $copy = $text;
  $text =~ s/($utf8)|./defined $1 ? $1 : "\xef\xbf\xbd"/gse unless utf8::decode($copy);
  $text =~ s/(["\\])/\\$1/g;
  $text =~ s/([\0-\x1f\x7f])/sprintf "\\u%04x", ord $1/ge;
  qq("$text");
}

# Adds a line or, on a full disk, nothing of it.
sub put {
  my $line = shift;
  my $written = syswrite $file, $line;
  if (defined $written && $written == length $line) { $size += $written }
  else {
    truncate $file, $size;
    $lost = 1;
  }
}

sub event { put(sprintf qq([%.3f, "%s", %s]\n), clock() - $begun, $_[0], json($_[1])) }

# Begins the next file. False if it cannot be written.
sub begin_file {
  my $new;
  my $number = $next;
  $number++
    until sysopen($new, "$stem.$number.cast", O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0600)
    or !$!{EEXIST}
    or $number > $next + 99;
  return 0 if !$new;
  my $start = "";
  if (open my $stat, "<", "/proc/$$/stat") {
    $start = <$stat>;
    $start =~ s/.*\) //s;
    $start = (split " ", $start)[19];
  }
  my $head = qq({"version": 2, "width": $columns, "height": $rows, "timestamp": ) . time
    . qq(, "env": {"TERM": "tmux-256color"}, "ccr": {"pid": $$, "start": "$start", "pane": "$pane"}}\n);
  if (length $head != (syswrite($new, $head) || 0)) {
    unlink "$stem.$number.cast";
    return 0;
  }
  ($file, $size, $lost, $begun, $next) = ($new, length $head, 0, clock(), $number + 1);
  1;
}

# Waits so many seconds for output; whether there is some.
sub has_output {
  my $ready = "";
  vec($ready, 0, 1) = 1;
  select $ready, undef, undef, $_[0];
}

# What draws the screen as it is; undef if tmux does not answer.
sub picture {
  my @state = qw(alternate_on cursor_x cursor_y cursor_flag scroll_region_upper scroll_region_lower);
  open(
    my $tmux, "-|", "tmux", "-u", "-S", $socket,
    "display-message", "-p", "-t", $pane, join(" ", map { "#{$_}" } @state),
    ";", "capture-pane", "-e", "-p", "-N", "-t", $pane
  ) or return;
  my ($line, @screen) = <$tmux>;
  close $tmux;
  return if $? || !defined $line || $line !~ /^\d/;
  chomp @screen;
  my ($alternate, $x, $y, $shown, $top, $bottom) = split " ", $line;
  my $row = 0;
  join "",
    $alternate ? "\e[?1049h" : "",
    "\e[H\e[2J",
    (map { $row++; "\e[$row;1H$_" } @screen),
    "\e[0m\e[", $top + 1, ";", $bottom + 1, "r\e[", $y + 1, ";", $x + 1, "H",
    $shown ? "" : "\e[?25l";
}

# Goes on in another file, unless output arrives meanwhile (the picture might lack it, or have it twice) and it is
# not urgent. Deletes the oldest file, or the one that has lost output.
sub next_file {
  my $urgent = shift;
  my $picture = picture();
  return if !$urgent && has_output(.03);
  resized();
  begin_file() or return;
  event("o", $picture) if defined $picture;
  unlink "$stem." . ($lost ? --$next : $next - 1 - $keep) . ".cast";
}

resized();
begin_file() or exit 1;
if ($now) {
  my $picture = picture();
  event("o", $picture) if defined $picture;
}
# The beginning of a character whose end is still to come.
my $rest = "";
for (;;) {
  if ($lost || $size > $max) {
    my $urgent = $size > 2 * $max;
    next_file($urgent) if !has_output(.05) || $urgent;
  }
  my $count = sysread STDIN, my $data, 16384;
  next if !defined $count && $!{EINTR};
  last if !$count;
  event("r", $columns . "x" . $rows) if resized() && !$lost;
  $data = $rest . $data;
  $rest = $data =~ s/([\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\z// ? $1 : "";
  event("o", $data) if length $data && !$lost;
}
