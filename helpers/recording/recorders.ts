// The programs that record a pane, as the text of their files. They read what the pane prints from stdin and write
// asciicast v2, a line an event, each at once: whatever is killed, what stands in the file can be played.
//
// The pane's terminal is file 3. Words: file without its number and suffix, pane, socket, most bytes of a file, files kept,
// "now" when the screen of that moment has to come first.
//
// A full file is followed by another one that begins with a picture of the screen, taken when nothing is on its way:
// each file can be played alone. The size is asked at each piece.

/** For any perl 5: perl-base is enough, and takes 6 MB. */
export const PERL = String.raw`
use strict;use Fcntl;
my($stem,$pane,$sock,$max,$keep,$now)=@ARGV;
umask 077;open STDERR,">","/dev/null";$SIG{HUP}=$SIG{INT}=$SIG{XFSZ}="IGNORE";
my($f,$at,$t0,$n,$lost,$w,$h,$tail)=(undef,0,0,0,0,80,24,"");
my $win=$^O eq"darwin"?0x40087468:0x5413;
sub clock{if(open my $u,"<","/proc/uptime"){return 0+(split" ",<$u>)[0]}eval{require Time::HiRes;Time::HiRes::time()}||time}
open my $tty,"<&=",3;sub size{my $b="\0"x8;ioctl($tty,$win,$b)or return 0;my($r,$c)=unpack"S2",$b;return 0 if!$r||!$c||$r==$h&&$c==$w;($w,$h)=($c,$r);1}
my $ok=qr/[\0-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}/;
sub js{my $d=shift;my $c=$d;$d=~s/($ok)|./defined $1?$1:"\xef\xbf\xbd"/gse unless utf8::decode($c);$d=~s/(["\\])/\\$1/g;$d=~s/([\0-\x1f\x7f])/sprintf"\\u%04x",ord$1/ge;qq("$d")}
sub put{my $l=shift;my $k=syswrite$f,$l;if(defined$k&&$k==length$l){$at+=$k}else{truncate$f,$at;$lost=1}}
sub event{put(sprintf qq([%.3f, "%s", %s]\n),clock()-$t0,$_[0],js($_[1]))}
sub part{my $g;my $i=$n;$i++ until sysopen($g,"$stem.$i.cast",O_WRONLY|O_CREAT|O_EXCL|O_APPEND,0600)or!$!{EEXIST}or$i>$n+99;return 0 if!$g;
my $s="";if(open my $p,"<","/proc/$$/stat"){$s=<$p>;$s=~s/.*\) //s;$s=(split" ",$s)[19]}
my $l=qq({"version": 2, "width": $w, "height": $h, "timestamp": ).time.qq(, "env": {"TERM": "tmux-256color"}, "ccr": {"pid": $$, "start": "$s", "pane": "$pane"}}\n);
if(length$l!=(syswrite($g,$l)||0)){unlink"$stem.$i.cast";return 0}
($f,$at,$lost,$t0,$n)=($g,length$l,0,clock(),$i+1);1}
sub wait1{my $r="";vec($r,0,1)=1;select$r,undef,undef,$_[0]}
sub picture{open(my $p,"-|","tmux","-u","-S",$sock,"display-message","-p","-t",$pane,"#{alternate_on} #{cursor_x} #{cursor_y} #{cursor_flag} #{scroll_region_upper} #{scroll_region_lower}",";","capture-pane","-e","-p","-N","-t",$pane)or return;
my($l,@s)=<$p>;close$p;return if$?||!defined$l||$l!~/^\d/;chomp@s;my($alt,$x,$y,$shown,$top,$low)=split" ",$l;my $i=0;
join"",$alt?"\e[?1049h":"","\e[H\e[2J",(map{$i++;"\e[$i;1H$_"}@s),"\e[0m\e[",$top+1,";",$low+1,"r\e[",$y+1,";",$x+1,"H",$shown?"":"\e[?25l"}
sub renew{my $p=picture();return 0 if!$_[0]&&wait1(.03);size();part()or return;event("o",$p)if defined$p;unlink"$stem.".($lost?--$n:$n-1-$keep).".cast"}
size();part()or exit 1;
if($now){my $p=picture();event("o",$p)if defined$p}
for(;;){
if($lost||$at>$max){renew($at>2*$max)if!wait1(.05)||$at>2*$max}
my $k=sysread STDIN,my $d,16384;next if!defined$k&&$!{EINTR};last if!$k;
event("r",$w."x".$h)if size()&&!$lost;
$d=$tail.$d;$tail=$d=~s/([\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\z//?$1:"";
event("o",$d)if length$d&&!$lost}
`;

/** The same where there is no perl. 40 MB. */
export const NODE = String.raw`
const fs=require("fs"),tty=require("tty"),{execFileSync}=require("child_process");
const [stem,pane,sock,max,keep,now]=process.argv.slice(2);
process.umask(0o077);for(const s of["SIGHUP","SIGINT","SIGXFSZ"])process.on(s,()=>{});
let fd,at,t0,n=0,lost=false,w=80,h=24,seen=0,timer;
const clock=()=>performance.now()/1e3,decoder=new TextDecoder();
let screen;try{screen=new tty.WriteStream(3).on("error",()=>{})}catch{}
const size=()=>{try{screen._refreshSize();const[x,y]=screen.getWindowSize();if(!x||!y||(x===w&&y===h))return false;w=x;h=y;return true}catch{return false}};
const put=text=>{const b=Buffer.from(text);let k=0;try{k=fs.writeSync(fd,b)}catch{}if(k===b.length)at+=k;else{lost=true;try{fs.ftruncateSync(fd,at)}catch{}}};
const event=(kind,data)=>put("["+(clock()-t0).toFixed(3)+', "'+kind+'", '+JSON.stringify(data).replace(/\x7f/g,"\\u007f")+"]\n");
const drop=i=>{try{fs.unlinkSync(stem+"."+i+".cast")}catch{}};
const part=()=>{let g;for(let i=n;g===undefined;i++)try{g=fs.openSync(stem+"."+i+".cast","ax",0o600);n=i}catch(e){if(e.code!=="EEXIST"||i>n+99)return false}
let start="";try{const s=fs.readFileSync("/proc/self/stat","latin1");start=s.slice(s.lastIndexOf(")")+2).split(" ")[19]}catch{}
const head=JSON.stringify({version:2,width:w,height:h,timestamp:Math.floor(Date.now()/1e3),env:{TERM:"tmux-256color"},ccr:{pid:process.pid,start,pane}})+"\n";
let k=0;try{k=fs.writeSync(g,head)}catch{}if(k!==head.length){fs.closeSync(g);drop(n);return false}
if(fd!==undefined)fs.closeSync(fd);fd=g;at=k;lost=false;t0=clock();n++;return true};
const picture=()=>{try{const[l,...s]=execFileSync("tmux",["-u","-S",sock,"display-message","-p","-t",pane,"#{alternate_on} #{cursor_x} #{cursor_y} #{cursor_flag} #{scroll_region_upper} #{scroll_region_lower}",";","capture-pane","-e","-p","-N","-t",pane],{stdio:["ignore","pipe","ignore"],timeout:5e3}).toString().split("\n");
const[alt,x,y,shown,top,low]=l.split(" ").map(Number);return(alt?"\x1b[?1049h":"")+"\x1b[H\x1b[2J"+s.slice(0,-1).map((t,i)=>"\x1b["+(i+1)+";1H"+t).join("")+"\x1b[0m\x1b["+(top+1)+";"+(low+1)+"r\x1b["+(y+1)+";"+(x+1)+"H"+(shown?"":"\x1b[?25l")}catch{}};
const follow=p=>{size();if(!part())return;if(p!==undefined)event("o",p);drop(lost?--n:n-1-keep)};
const due=()=>{const p=picture(),before=seen;timer=setTimeout(()=>{timer=undefined;if(seen===before)follow(p);else rest()},30)};
const rest=()=>{if(!lost&&at<=max)return;if(at>2*max)follow(picture());else{clearTimeout(timer);timer=setTimeout(due,50)}};
size();if(!part())process.exit(1);if(now){const p=picture();if(p!==undefined)event("o",p)}
process.stdin.on("data",d=>{seen++;if(size()&&!lost)event("r",w+"x"+h);const text=decoder.decode(d,{stream:true});if(text&&!lost)event("o",text);rest()}).on("end",()=>process.exit(0)).on("error",()=>process.exit(1));
`;
