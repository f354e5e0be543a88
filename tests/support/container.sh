# A root of its own with just the given mounts, in namespaces that were made for it. What is written beside them is gone
# with the last process. $1: an empty directory; then mode (ro, rw), source and target of each mount; "--"; the command.
set -eu
PATH=$PATH:/usr/sbin:/sbin
root=$1; shift
# Without being root outside, flags that a mount has must be named again.
seal() {
  mount -o remount,bind,ro "$1" 2>/dev/null || mount -o remount,bind,ro,nosuid,nodev "$1" 2>/dev/null ||
    mount -o remount,bind,ro,nosuid,nodev,noexec "$1"
}
hostname container
mount -t tmpfs none "$root"
mkdir -p "$root/proc" "$root/tmp" "$root/run" "$root/opt/bin" "$root/root" "$root/dev"
for at in usr bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$at" ]; then ln -s "$(readlink "/$at")" "$root/$at"
  elif [ -d "/$at" ]; then mkdir "$root/$at"; mount --bind "/$at" "$root/$at"; seal "$root/$at"; fi
done
# Programs write into /etc of a container.
cp -r /etc "$root/etc" 2>/dev/null || :
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
while [ "$1" != -- ]; do
  mode=$1 source=$2 target=$root$3; shift 3
  [ -e "$source" ] || { echo "bind source path does not exist: $source" >&2; exit 125; }
  if [ -d "$source" ]; then mkdir -p "$target"; else mkdir -p "${target%/*}"; [ -e "$target" ] || : >"$target"; fi
  mount --bind "$source" "$target"
  [ "$mode" = rw ] || seal "$target"
done
shift
exec chroot "$root" "$@"
