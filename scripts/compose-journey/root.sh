#!/usr/bin/env bash
# root.sh FOLDER PACKAGE…: copies Debian's required packages, and these with what they depend on, from this machine into FOLDER, as a root for images.
# debootstrap makes the same from downloads, in minutes. Documentation and translations stay away, as in Debian's slim images.
set -euo pipefail
folder=$1
shift
if ! grep -q 'VERSION_CODENAME=bookworm' /etc/os-release || [[ $(id -u) -ne 0 ]]; then
  echo "root.sh copies from Debian 12 (bookworm), as root. This machine is another one, or you are not root." >&2
  exit 1
fi

required() { dpkg-query -W -f='${Essential} ${Priority} ${Package}\n' | awk '$1 == "yes" || $2 == "required" { print $3 }'; }

# Of alternatives and of what a package provides, the one that is installed. A name that is not installed has none.
needs() {
  dpkg-query -W -f='${Pre-Depends},${Depends}\n' "$@" 2>/dev/null | tr ',|' '\n\n' | sed -E 's/[(:].*//; s/ //g' | sort -u
}

mapfile -t packages < <({ required; printf '%s\n' "$@"; } | sort -u)
while :; do
  mapfile -t more < <({ printf '%s\n' "${packages[@]}"; needs "${packages[@]}"; } | sort -u)
  if [[ ${#more[@]} -eq ${#packages[@]} ]]; then break; fi
  packages=("${more[@]}")
done
mapfile -t installed < <(dpkg-query -W -f='${db:Status-Status} ${binary:Package}\n' "${packages[@]}" 2>/dev/null | awk '$1 == "installed" { print $2 }')

mkdir -p "$folder"/{dev,proc,sys,tmp,run,root,etc,home,usr/bin,usr/sbin,usr/lib,usr/lib64,var/lib,var/log,var/tmp}
chmod 1777 "$folder/tmp" "$folder/var/tmp"
ln -s /run "$folder/var/run"
for name in bin sbin lib lib64; do ln -s "usr/$name" "$folder/$name"; done
# /lib and its kin are links: what a package names below them is in /usr.
dpkg-query -L "${installed[@]}" | grep -E '^/[^.]' | grep -vE '^/usr/share/(doc|man|info|locale|lintian|bug)/' |
  sed -E 's#^/(bin|sbin|lib|lib64)/#/usr/\1/#' | grep -vE '^/(bin|sbin|lib|lib64)$' | sort -u |
  while IFS= read -r path; do if [[ -L $path || ! -d $path ]] && [[ -e $path || -L $path ]]; then echo "${path#/}"; fi; done |
  tar -C / --no-recursion -T - -c | tar -C "$folder" -x
cp /usr/share/base-passwd/passwd.master "$folder/etc/passwd"
cp /usr/share/base-passwd/group.master "$folder/etc/group"
sed -i 's/:\*:/:x:/' "$folder/etc/passwd"
printf 'hosts: files dns\n' >"$folder/etc/nsswitch.conf"
# What the packages' own scripts would have made.
ln -sf mawk "$folder/usr/bin/awk"
ldconfig -r "$folder"
