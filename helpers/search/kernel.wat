;; The search kernel: finds a needle in bytes, ignoring case, 64 positions a round.
;;
;; The needle (each byte OR-ed with its mask) stands at 0, its masks at 1024, both padded with 0xff to a multiple
;; of 16. A byte fits when (byte | mask) == needle: 0x20 ignores the case of an ASCII letter, 0xff takes any byte.
;; The data begins at 4160 or later, with at least 80 bytes of slack behind it.
;;
;; f(p, last, n, i1, i2): first position in p..last where the n bytes of the needle fit, or -1. The bytes at i1
;; and i2, chosen as the needle's rarest, are looked for first; only where both fit is the rest compared.
(module (memory (export "m") 1)
 (func (export "f") (param $p i32) (param $last i32) (param $n i32) (param $i1 i32) (param $i2 i32) (result i32)
  (local $v1 v128) (local $v2 v128) (local $m1 v128) (local $m2 v128) (local $c0 v128) (local $c1 v128) (local $c2 v128) (local $c3 v128)
  (local $bits i64) (local $c i32) (local $k i32) (local $a i32) (local $b i32)
  (local.set $v1 (v128.load8_splat (local.get $i1))) (local.set $v2 (v128.load8_splat (local.get $i2)))
  (local.set $m1 (v128.load8_splat offset=1024 (local.get $i1))) (local.set $m2 (v128.load8_splat offset=1024 (local.get $i2)))
  (block $done (loop $next
   (br_if $done (i32.gt_u (local.get $p) (local.get $last)))
   (local.set $a (i32.add (local.get $p) (local.get $i1))) (local.set $b (i32.add (local.get $p) (local.get $i2)))
   (local.set $c0 (v128.and (i8x16.eq (v128.or (v128.load (local.get $a)) (local.get $m1)) (local.get $v1))
                            (i8x16.eq (v128.or (v128.load (local.get $b)) (local.get $m2)) (local.get $v2))))
   (local.set $c1 (v128.and (i8x16.eq (v128.or (v128.load offset=16 (local.get $a)) (local.get $m1)) (local.get $v1))
                            (i8x16.eq (v128.or (v128.load offset=16 (local.get $b)) (local.get $m2)) (local.get $v2))))
   (local.set $c2 (v128.and (i8x16.eq (v128.or (v128.load offset=32 (local.get $a)) (local.get $m1)) (local.get $v1))
                            (i8x16.eq (v128.or (v128.load offset=32 (local.get $b)) (local.get $m2)) (local.get $v2))))
   (local.set $c3 (v128.and (i8x16.eq (v128.or (v128.load offset=48 (local.get $a)) (local.get $m1)) (local.get $v1))
                            (i8x16.eq (v128.or (v128.load offset=48 (local.get $b)) (local.get $m2)) (local.get $v2))))
   (if (v128.any_true (v128.or (v128.or (local.get $c0) (local.get $c1)) (v128.or (local.get $c2) (local.get $c3)))) (then
    (local.set $bits (i64.or
     (i64.or (i64.extend_i32_u (i8x16.bitmask (local.get $c0))) (i64.shl (i64.extend_i32_u (i8x16.bitmask (local.get $c1))) (i64.const 16)))
     (i64.or (i64.shl (i64.extend_i32_u (i8x16.bitmask (local.get $c2))) (i64.const 32)) (i64.shl (i64.extend_i32_u (i8x16.bitmask (local.get $c3))) (i64.const 48)))))
    (loop $cand
     (local.set $c (i32.add (local.get $p) (i32.wrap_i64 (i64.ctz (local.get $bits)))))
     (br_if $done (i32.gt_u (local.get $c) (local.get $last)))
     (local.set $k (i32.const 0))
     (block $no
      (loop $cmp
       (br_if $no (i32.eqz (i8x16.all_true (i8x16.eq
        (v128.or (v128.load (i32.add (local.get $c) (local.get $k))) (v128.load offset=1024 (local.get $k))) (v128.load (local.get $k))))))
       (local.set $k (i32.add (local.get $k) (i32.const 16)))
       (br_if $cmp (i32.lt_u (local.get $k) (local.get $n))))
      (return (local.get $c)))
     (local.set $bits (i64.and (local.get $bits) (i64.sub (local.get $bits) (i64.const 1))))
     (br_if $cand (i64.ne (local.get $bits) (i64.const 0))))))
   (local.set $p (i32.add (local.get $p) (i32.const 64))) (br $next)))
  (i32.const -1)))
