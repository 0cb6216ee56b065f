"""Official splits of CMU-MOSI and CMU-MOSEI, by video, for the forms that come without them.

The standard folds of the CMU Multimodal SDK (github.com/CMU-MultiComp-Lab/CMU-MultimodalSDK,
`mmsdk/mmdatasdk/dataset/standard_datasets`), 52, 10 and 31 videos of MOSI, 2,249, 300 and 678 of
MOSEI; no video stands in two. Labels of MOSEI have some more videos, which are on no side.
"""

from collections.abc import Mapping


def list_official(corpus: str) -> dict[str, str]:
    """Video → its split; empty for a corpus without such lists.

    >>> list_official("mosi")["tmZoasNr4rU"], list_official("chsims")
    ('test', {})
    """
    sides = _OFFICIAL.get(corpus, {})
    return {video: split for split, videos in sides.items() for video in videos.split()}


_OFFICIAL: Mapping[str, Mapping[str, str]] = {
    "mosi": {
        "train": """
            03bSnISJMiM 0h-zjBukYpk 1DmNV9C1hbY 1iG0909rllw 2WGyTLYerpo 2iD-tVS8NPw 5W7Z1C_fDaE
            6Egk_28TtTM 6_0THN4chvY 73jzhE8R1TQ 7JsX8y1ysxY 8OtFthrtaJM 8d-gEyoeBzc 8qrpnFRGt2A
            9J25DZhivz8 9T9Hf74oK10 9c67fiY0wGQ 9qR7uwkblbs Af8D0E4ZXaw BI97DNYfe5I BXuRRbG0Ugk
            Bfr499ggo-0 BioHAh1qJAQ BvYR0L6f2Ig Ci-AH39fi3Y Clx4VXItLTE Dg_0XKD0Mf4 G-xst2euQUc
            G6GlGvlkxAQ GWuJjcEuzt8 HEsqda8_d0Q I5y0__X72p0 Iu2PFX3z_1s IumbAb8q2dM Jkswaaud0hk
            LSi-o-IrDMs MLal-t_vJPM Njd1F0vZSm4 Nzq88NnDkEk OQvJTdtJ2H4 OtBXNcAL_lE Oz06ZWiO20M
            POKffnXeBds PZ-lDQFboO8 QN9ZIUWUXsY Qr1Ca94K55A Sqr0AcuoNnk TvyZBvOMOTc VCslbP0mgZI
            VbQk4H8hgr0 Vj1wYRQjB-o W8NXH0Djyww
        """,
        "val": """
            WKA5OygbEKI X3j2zQgwYgE ZAIRrfG22O0 ZUXBRvtny7o _dI--eQ6qVU aiEXnCPZubE atnd_PF-Lbs
            bOL9jKpeJRs bvLlb-M3UXU c5xsKMxpXnc
        """,
        "test": """
            c7UH_rxdZv4 cM3Yna7AavY cW1FSBF59ik cXypl4FnoZo d3_k5Xpfmik d6hH302o4v8 dq3Nf_lMPnE
            etzxEpPuc6I f9O3YtZ2VfI f_pcplsH_V0 fvVhgmXxadc iiK8YX8oH1E jUzDDGyPkXU k5Y_838nuGo
            lXPQBPVc5Cw nbWiPyCm4g0 nzpVDcQ0ywM ob23OKe5a9Q pLTX3ipuDJI phBUpBr1hSo rnaNMUZpvvg
            tIrG4oNLFzE tStelxIAHjw tmZoasNr4rU v0zCBqDeKcE vvZ4IcEtiZc vyB00TXsimI wMbj6ajWbic
            yDtzw_Y-7RU yvsjCA6Y5Fc zhpQhgha_KU
        """,
    },
    "mosei": {
        "train": """
            -3g5yACwYnA -3nNcZdcdvU -HwX2H8Z4hY -THoVjtIkeU -UuX1xuaiiE -WXXTNIJcVM -ZgjBOA1Yhw
            -a55Q6RWvTA -aNfi7CP8vM -aqamKhZ1Ec -dxfTGcXJoc -egA8-b7-3M -iRBcNs9oI8 -lqc32Zpr7M
            -lzEya4AM_4 -mJ2ud6oKI8 -mqbVkbCndg -t217m2on-s -tANM6ETl_M -tPCytz4rww -vxjVxOeScU
            -wMB_hJL-3o -wny0OAz3g8 03X1FwF6udc 07Z16yRBFUQ 08d4NTXkSxw 0AA-wmk8WdA 0AkGtPzl7D8
            0BVed2nBq1g 0DBfvvIVmqY 0EAAfLCQabY 0EphpADwdPg 0FA32bEZ6xI 0JuRmhhgMw8 0OC3wf9x3zQ
            0OXeN3MhFeA 0SfejBuLgFo 0Svu5BldR5A 0W4WsjhDgUI 0WIwQgH4lKg 0Xs8wJrAmxs 0YdYFtVdlWE
            0bsTzavb-AE 0cBmQ_ItVUc 0hCOCt6fWas 0hCihQ5Kep0 0jtdrsmVzYQ 0mXv97u2OCM 0nJrksJ7azM
            0p9XKC_J3hU 0r8KVXUCV6c 0rE8jEvQW_I 0tkWa2skSmA 0vXaXWx7Rvo 0zl_GDVzykw 100499
            101851 102168 102184 10223 106077 106514 106941 107551 108793 110203 110754 110766
            110788 112148 112169 112223 112604 112631 112903 113265 114624 11650 119348
            120vnZnmhq4 121358 122439 122602 122842 125708 125730 125845 125895 126542 126831
            127470 127539 12812 128258 128752 128949 129733 130149 130426 130448 130633 131650
            131871 131936 134252 136205 136211 136215 137827 139006 139032 13JpsLvddoY 140293
            140317 154449 15837 15Wu4U2VPLw 15ktF-6wutk 180923 184784 186631 188122 189966
            18JTkk8JbeU 18QjfdhJEM4 190740 192799 193291 194625 197778 19k6sEC7814 1A-aRhYx-GQ
            1A7dqFxx8wU 1CjUHNYzW1E 1ESU5ONMMxs 1F0qH0EEBfo 1J9Fa995Ojs 1JQ9UCBEmCU 1RBT_QoSkIU
            1RxliidxXyQ 1W38PnuWIkM 1YEgMQ1xxzQ 1ZjIX9AK860 1bzS0YF5hfs 1cyUKHOvdYY 1dWsw38VDjY
            1fqNb8cfLFE 1k7br8xXMSU 1mHjMNZZvFo 1o8Gy4J6WSs 1olbQVO_C-8 1pvK0_9SQns 1rVly2oeBJg
            1sJjdaXXuJg 1tQOvm5eQOA 1tuMFJnlXJc 1x7kf9vArjU 2-4autDbHVQ 2-5hH_k2VFk 2-EJz4RG4g4
            201582 202431 202810 202990 206049 206051 206376 206507 206606 207812 208148 208299
            208416 209354 209775 210238 210618 21137 212532 213619 214095 215259 216007 21638
            216857 218708 219310 219775 21Kxt5L9OBE 220134 220200 220548 221740 222116 223926
            224599 224772 224817 224869 225343 225416 225768 227173 227416 227426 22821 22880
            229090 229903 229967 230252 231025 233171 233356 233366 233389 234053 234587 236399
            236696 238023 238039 238060 238100 238645 238683 238889 239235 239572 23YlZoucbyM
            240915 241164 241172 241638 24202 243338 243341 244180 244261 244623 244817 244829
            244836 245243 245276 245322 245497 247382 248837 24xayGF5yYA 250430 251417 251646
            251826 251839 252177 25271 254298 25522 255224 255226 255338 255343 255852 256174
            256935 256976 257045 257531 257771 259260 25t8nrkUfRY 260011 261267 261326 261900
            261902 262165 262226 264418 264446 265959 266366 266396 266852 266938 267252 267255
            267278 267799 268836 26WrTHLJJIU 270416 270444 270449 270628 270665 270956 271366
            271594 271598 272375 273171 273237 273314 273531 274219 275248 275620 276217 27798
            277991 278474 27ubp7CLLKQ 282560 282586 283495 284673 288714 288766 290088 29044
            291121 292277 294178 295793 298736 298774 2Crezdbre6I 2HP4KedfmSc 2HmBM3GGTlg
            2JY5HXBWO84 2LpVvLemgvw 2OLVF-KEaZU 2PgJok07td4 2QOf2wSu0j0 2RC_DXV_dPQ 2RDubrUjI-k
            2Vtv2gPzM7w 2Wo-0trLBjU 2YwgSmmLibs 2Zx4huY-KN8 2ahFSMFvs_c 2c2fhh_Dsoo 2c6Gb73nx4E
            2cwNG0YuwtQ 2f6ZHqJ76EU 2h9VVQUZjK0 2iukwQJjGHE 2lj0BaPsJpM 2mWPHvbKzL8 2qKajMu7Vhc
            2vX-ZRQQDwo 2w7rpDe-HoA 30162 30763 31197 31tcuDMQ_H8 327283 32j1yMF37hA 33312 33439
            33ueXDUn3mA 34-ogj6rh6w 34346 36098 367506 367576 36o2cux9kfQ 37117 37459 38019
            38374 39lcRCFvV-s 3B1zIUj-k3o 3DOrdP4H8SA 3DgOMTs3A1E 3FpmKxZgihw 3GyEnzE1NTQ
            3HRnhUin-5g 3J3Thmd_vks 3OMgvtWNHp4 3OuNMjZo5wg 3QcqpwQiiLs 3VsrcbjPwZY 3Wi0if_L6Ug
            3ZmLhK_YHl8 3aD0xAgxxyw 3aIQUQgawaI 3f6xCzKx9CA 3fhCxePBuZY 3gA34VxBijI 3kNPvhdF1NA
            3lkn8MS3n8Q 3n44IP3tCVE 3oHPsYc8bmw 3ocpWAmSNUE 3paDwuRQP1w 3sDL7mwosP0 3sUS8vXbRwg
            3u_Joh0WJdw 3w9I5SBhHNc 3y2YInNUmHY 40181 40260 41692 424vOT3Nnyk 43371 43456 44780
            44MVdpDEQJs 45175 45184 45186 45676 45c3QQzGakM 46497 46604 46618 47472 48BD8qjClfE
            48nifdN2vSI 48u68AzcWvE 49358 4AQC7_uCuEE 4BoE-woHtwA 4CKhrjuuofk 4EEru3cZwXo
            4Fw9TbWIVJI 4GYfmpEEtl4 4H9RfQuqsvg 4HAC00EAdno 4HazSkYihtw 4Kh5N9W-Jr4 4Q7OkrJLzAc
            4Q95Lg3Icho 4Ry6M_ZfJQc 4VA4kqMnEqA 4Vl6AeEkAg4 4WTVL5bNybU 4Yxe1_ohz7Y 4Z47qIrVil4
            4ZhIx2ozUIE 4hEWns7JBg0 4iG0ffmnCOw 4iw1jTY-X3A 4jTUcNlxlYA 4kF0U8kIMp4 4lKz4xyCmkk
            4lro65JwQdc 4oeKDFIaL7o 4poXF3xo6Z8 4qVvLLFEYnk 4qjz4BQCZyM 4qoB5a6dR3w 4wdeBJ39Cuw
            4wuug3-5cWo 50453 51224 52068 52839 53742 54CM1_GA-uw 55156 55T4QNcdpOk 56006 56276
            57618 59333 5F-KEGK9eXo 5FbzKjx3Lho 5Fs_7A_V2kA 5HjbZAbB-Lg 5IhAgV0Bf_4 5JMpMKAO-Mk
            5OLO6zEbrVw 5OXuBO5buF8 5PqwxUYIe3c 5QXHyL3BMto 5R5fDxZUL8M 5RVF_3YBUVI 5Tqu1IXJjGY
            5VKMctXBN9M 5XX0csik6VQ 5YnYGjrhzF4 5eA5HpyFsIk 5hXC8JbiLd8 5oEuiBPUTYc 5qQs9Cfydo4
            5qxZFmIaynE 5sDBK-lP8Pg 5tV5rZZJDCE 5wpCKY2U1NE 6-0bcijTR8k 60037 60Qw70Rd9Yg
            65kkuNV921k 663uRzFOfrg 69707 69NtV79qgOg 6E-yr6nPxGA 6G8JJ69aN6o 6IUj6jyoTl0
            6J_yzh1LNAE 6MYUY5tC2Us 6MloL1gIccs 6PLlauWxF5E 6T1GHj7qwYs 6TDXQtGUNEs 6TKaGMkO69E
            6UV6ktwbLoo 6Vg10LxmWUY 6WDchK7TuL8 6YNAmRjpxlA 6_k3cw9_k-Y 6aoTjlvo0js 6c7vAwDSVGc
            6hp1SGhVYfY 6ng8CZ0ULK4 6q5uKCgairk 6qPjYvdZiLA 6qmReTSoz0E 6rkV4QRcVnk 6slq62RwH3Q
            6vbd4o5rIjM 6xvVFYR5di0 6zjv1TLqfF0 70420 70710 708sewcSXVY 72017 72385 72tXTrSXoMk
            73447 73449 74101 74184 74870 75938 76124 76sN4tvbPGk 78577 78Ncka6CY70 79644 79934
            79935 7CLe7PZtna4 7EWOMjaKlus 7R70kKqtGh0 7SsmaZZ7mz0 7U_z0JfleAw 7UlSX-syPeo
            7Vp6Lvin1rA 7ZzbemE4QEE 7eJqqvvziQo 7eWclVCXOtk 7fPYpqzw1iY 7hSWYI99-24 7ifnoHhrMtA
            7oFimEZJQ_A 7pZPQbMKGkY 7rMLN0KKE5k 7sgAWvbLtiM 7vJy1zbopJ8 7wiaDbpiAQ8 7xiu1tAJ2d8
            8-Hi9NmF4rM 80620 80627 80866 80914 81406 81538 81615 81668 83310 83859 83_N43pvgHI
            8404 84133 84176 856LGms_0s0 87161 87400 87MsiC3E2-w 88119 88245 88797 88888
            88S1BjwMfdw 88oSn21TFcA 89747 89787 89951 8Cp8c-eQELQ 8EHEEXex5D8 8F1mj-XT6KA
            8Lmqsakmw3M 8M0AlvtMrv8 8P0zm2oYDyY 8UH0aPUf7sQ 8VB6pdJTpX4 8VP1qxX9mh4 8X5tGQLBqPo
            8XODJwsvBa0 8YsIvz4qnk4 8aZbX-xMdgI 8f_lBxZgDb0 8ovb-GaZ3QE 8qCNtqjygW8 8u5aet7s9_w
            8wdxczYf1jI 8x81fzwcJko 8xfW_azeNPk 9-EO2oCAGA4 9-K1CXCXui4 90172 90wZz0thye4 91276
            91y7nPEWdmQ 92221 92331 92521 92533 92tWNUhG9DY 93821 93839 94215 94983 94ULum9MYX0
            95mDHiLeDCM 96099 96179 96194 96350 96361 96o9hxy64wI 97095 97992 98187 98442
            984VkHzXl8w 9BceQC_SdTM 9JqwFRCTKOM 9Jyr5laC8mg 9K4aWWoXuyU 9K5mYSaoBL4 9Nhoi1jfDbY
            9Un1O2ypJmI 9VZ4cpoTFbo 9XCmrHbU-rU 9bAgEmihzLs 9cSJglGi9Pg 9ceYD_OzPz8 9cxlcpbmrH0
            9dFEGb_RfwE 9f6A3ucYArQ 9pdyTplXwM4 9pzn93kdP_g 9sAoeFTKILY 9tX18DNC74w 9zBj8VkRBpE
            9zWeMrfr-l0 A0aE2Gzym-M A2E78CGi5TU A4dzxgHDhF0 A6R6J8SJtBc A8c7q_P4jQg A8plGi4rbxM
            ABSC1JNdpTw ACOlIiRdDyE ADYia28RrFU AGFgaKPzjMQ AGM-hNupJik AHU3PUztC_M AIPqRuTjI4E
            AKofHsmxa1I ALlKbGE6BH0 APYv5s4ucd0 ARNWtLCbfW4 ATfnMuJJDkk AVScVfLgNmw AepwIhSbAws
            AggyS1coOb8 AjgDuPEp9sI AlmUwZgY6bs AmGocfFQfVE AsrhHuCfvF4 AuPCZlKBzq8 Az3e1Opu0LE
            B1B71X_SmwY B1PzCwfgXyU BAi3ZJo5Vwg BBSVLGf7zPI BB_VwJSg3AI BBoe8-HWPSw BDCFV4EqHjY
            BLFUj7_uy_0 BMhG11CXgww BNaRO9g8ugQ BRdw-_dbJXc BRzjQHYWbSs BXqnWuDA3H4 BZOB3r5AoKE
            BaX10vbFhuU BdqoZ5qpz0E Bf5owLv3X98 Bg-PA5KTjNs BmDybDBTe7o BnWvk0YRgE4 Bo5IDtP8_Fk
            BseI8-TYWm8 BuPhjBayua8 BvvttuYysvg C-UUQju3bXo C03473pYcRM C2xNDBU2Z0s C3lDRFu1ZcI
            C74-of1rjg4 C8Fhlk-eczU CBYQDIqucxE CE9yV4SearE CHh6hWo1AFE CIqRibqChDQ CK31s0kfp-k
            CL4hDu95Eqw CLkTjujFVKU CQnwOZRgQXs CT7QOWbhfv4 CVx494kExvc CXojk-oSaEw CZVmxwrWv34
            CZigX1ntOsI Cb8ay6WtJuM CbQxC1iPyS8 Cd0JH1AreDw CdB8QBhFccs Ceu9AkIjuLY CfWxp5bRt2A
            Cj7R36s4dbM CqFt3_uka14 Ctc23Icfzvg CuF-UOcAFG8 CuFLRnu4FQ8 CvW0Mh1EWFA CzstrpOTtgo
            D-DqVICJXBU D02PT0bl88A D1I-Z8jaby8 D5cQWqYcBAE DEFDuYyc-Xw DGeBPk1op3E DNzA2UIkRZk
            DQ7QKE3hzVg DR9Hhpy8aA8 DVvJoMt9o80 DXQGngge7vU DZBpdzrMelA DZIFCYOhosQ DaXkixKFEvE
            DatH-ra0VKY DbAppk7xT0Y DfTMoqwMHVE DgO5O-oDeX8 DhXBaBOB4E8 DiOw-w5LDJ0 Dnhxm6sHQpc
            Dq7V30WhOJQ Drhrzj1yhVs DtwbwyfajnI Dws8ZrzF7xQ E05bA058vts E0g6nae4Ae4 E7ZLz3tSwNM
            E8L1Z71vKG8 EEUGfVTyTQM EGA6iulTr00 EHbZ2EeVags EJT25p7JahU EK2bnbzmJs4 ELtbrO8FbuI
            EO_SN04Xef0 EOkdFMw0pmk ERnYvxojeu0 EULEL3QhKD0 EZkOWskJl20 E_ocLuUw-1I E_oqbJatW3E
            Ea_Huc2-lwo EfQoSpEZa0o EiG3r8hAVeY Emi9cw9xa00 Emjv2cDzW1E EoC83JhkCAw EpadyoYlAjQ
            ExDLNkDVsxY F2M7WbPXRps F4OhXQTMOEc F59hwsm4Ld0 F5SGdvSRJmo F6Ci45lP5aA F8KE2ZhoUe4
            F9NruwaEmA8 FCMbWx2JpZ0 FGnHDWGYsA8 FHlzZ2VxuGQ FJgO-FICHlA FLyWn2DCci4 FMW6diQ9rMo
            FMif4HMBZjo FNbULlE9RKg FOMXt3lStco FP3o75bpi8k FR0B64ID-hA FRKwvmrwrZA FSGL5K2EEdo
            FWBCTZiijEM FX-YgVKC1AI FX87sfrE47w FaHosBIr0xY FcAgbLF6__s FdTczBnXtYU FfavRdRKsAQ
            FmE9BtTmxnE FmIS69vB12I Fmwc7wkIc4Q FphtHpVV-7w FsmNLTdE2p0 FvoZgWvc3gc FylhSeozvG8
            G1Z_JUTgZqo G38DwNDQ8Cc G3RPgs_7l3U G4HMKRdIva0 G8aL3bM39co G8p4QMjLUXI GAY5ICoVnA8
            GCOFujDHDx0 GICVzJMDfv0 GJyzeK-Cn-0 GMHW6XEO1ms GMjQUrlMa50 GMnoxaqqReQ GOj7TBcEA8E
            GRFXnnrQaB4 GSnt_fW8qjI GTGtVdAuyRc GUffC7vu9zA G_M3lYn6hAA Gbg8qiKQkhM GcfETVXgtg0
            GdFP_p4eQX0 GeSTiDe1hG0 Gg9ZcRlwnbc GjCUDqWSI6c GkoBk5K-FH0 Gljee9uq_Rc Gmhi58erY6k
            GpRDC-S88dM GtRxTvuF6J0 Gv0kKbfwPpI Gvg_80PlAAs GxWLhv-Vt78 GxcOSmJAyYQ H-AJ-grXvgQ
            H26MMmrHTlQ H4RysMUSQD8 H4w9mU8B3Mc H9zVQlzit8Y HAid0IEUoFQ HByf7qiO-Kg HD17J-FvROQ
            HIsJqphLCyw HLFaW4oVP9E HOCsiS0pmf0 HObh42PhOfw HQ2LwfRcrVc HQ9NnDQcxD4 HS-2vVP95u8
            HUH9BXVmAig HUOMbK1x7MI HVksxaUzv9Y HWLpH3NMtFs HXuRR2eBHHQ Ha7DMd_iKyM HfLVQZLvcH8
            HgDdU_RB9UA HhpziYYP2Vg HjLpXXFoAQw Hkt_kncJGVM HqtvFTa29L8 HuIKyKkEL0Q HxyfY7hsjOg
            I--8nRKCkJI I3SPlbTGuNc I5cS_TlV5B8 I8MM8y1XVjs IAmZ5iWHxw4 IAubgwEiCcY IB0lGIxP8YY
            ICeSewdyf34 IDVbPEket6U IHv_yBn83P8 IKXWSNf4m2k ITQTVfk9Iqo IW7IssCKgmI I_r2CP56toU
            IawsOlEKRf0 IgenXuE4qIM IiGzuoblKSM IiX1k0oYW_w IkvL4IAiZog IlgnbEdOhmI IsAtAzltJNM
            It6xg0WcqJ0 ItnyexqXR_U Itqbc2TBXWY IwQWibE8EOM Iz_PDdyXr-8 J3-NEG8uoiE J3JU1zBQ4RM
            J6zbBfzW7a0 J7UduuBfnrE JAbFsRxxnFo JCg26b8EO48 JDgqyOkzXHw JF-5nlUNx_g JGEEA_JVriE
            JGZb_ygtB0g JHW3nD6flgU JLqBVj6f5gI JMb18N7lQ0A JMzilFvwNXE JP95Fby6qLE JSlTJsUulH0
            JW2HHfQiGVs JW3OfSCZlhc JWG_MUy7EWQ JX-mwjSw0dk JY-krIuEUm4 JYdfUNjyYxo JYsAacFmXEo
            J_DtcW86D9c Ja7phs8EbWk JcmqmLaL_MQ JdFaSggG58c Jg2okZn6Ut8 Jh1uDYOJMwk JkHxzOWOLfs
            JlmpDdm1A1Y JvLMNXW7B10 JvgofTcCSEc JwzxqrD8tIo Jz9nlw15QZo JzydLJw6y6o K1VeXZxR24U
            K5cGfs3i-tk K62NK2KYhws K7FiMf-Dmwo K7KEtrgBkz4 K9-KyChw8RM K9U2TAF9DDY K9faaGel838
            KD0w4BrNXQg KEUVzxC7T3E KF5wgQPp2yc KI2sU-mhM44 KJyz9fCt7Is KLy4aBLqwCk KPeos6f4HuQ
            KQ86HmgwUns KR4MpF0YtgE KSyX-lejDcc KUVGWCTT5DU K_5u2Wh_wGk K_K3wpxkRc8 Kep_mLLXsqk
            KgXuILFtgJQ KmYG8zaRmOA Kmtib-wZ0jM Kpe5fISxRTg L0WUuWYNeCo L1gXZVU6AE4 L2uC4_Co9uw
            L382XZ6iZmM L3b9wwZ8vRQ L5a2ijeWpUI L6pg3DQKoH4 L8VjQM9HQfs LAj3rqJvS3s LHC7ZKJy4Zw
            LKAEv8x9jKI LL02UFLfQKo LQnXVd-PR_Y LUKIYWa0UGA LUf9vbe0TcQ LX2rT5C3sJs LZl9Sj1safM
            L_XttWZBKss LityRNuQihc LpbSYaPRTqI LppEvM60-xo Lxs_6Tvq12E M2Pb2kx77ww MBDZbACupsc
            MCRCXXPqFOI MFXQH7ZlBJI MFrwi-RibUk MIuJDn_0yVU MJnc4GUhUuY MKShLlJ7X7g MMaEsDdBsvM
            MNLG4-diuYM MNXBOeiPhec MOfEl_1dh-g MPRqaQqrd9Y MRU65o1odI4 MSmTFZ_-THM MTU_thei3-c
            MWCNzYUCys0 MZoLQD83R-4 MbpPBLUjpV4 McnbZjgCPLw MhojeOmmjC8 MmJD4KBT0nk MnFRVJtHAeo
            MpuWcGn2Lcg MroQfGehC84 MsjnLoTKAXo MvFFYObY9A8 Mw4EZYZAd9c MyDLelMxt-A MyfRrTjglm8
            N0GhVkCwrqw N0Y7x_fJ0Nw N0pKIn6VhOw N188QSyfmeQ N3QuD26DuCI N3vSaV8Ztrg N4WOBzpZtWM
            N7IerkWUClI N7tS7A0WWpM NCJTV5KaJJc NDMAVMZyISM NG7QLq4XlWo NKindd5Xn3s NOl0v54DaXo
            NSihgq4R8Z0 NYuY6HVjMZQ NZtIGzAzJZM N_dNuV-4iAo Na6170hd8po Nd55vByy2F8 NkbRuTJaj_M
            Nmd50Uzyybs Ns_h5IVcZ9k NuRvTWhELqs Nzh2KkaGwrE NzpymNJaFjo O0Nn-5UkfoA O2CEvvYWWbU
            O3whFU2lAAk O8IJh_L0EfM OAV6KKf60bQ OBaMn1-x7jQ OEMSGahoCmM OEOkmrKvTUo OEesmAnTpeA
            OFBc3z99bIc OGXUtVG0Y9w OHWyYVux-yw OIJr0voCvVQ OJwO6g01qO8 OKSx1zxHGpQ OOh1_ffKOKk
            OPXmk49KyiU OSyKmOye5Uo OUjzDchhkIA O_fTDhCtAhw Ob8vPQCPDX0 OcqJx_cRc3Y OdKp0hYomgs
            OiMkqEH5WeE Oj3XwBBrzXc Olx-sTx7HTk OoOD_VBL0i0 Op3CnqRLD9w Or-9Nc_GAq8 OwYfPi9St0w
            OxyQSJMvWBo P0WaXnH37uI P35dyIit1yM P3QEOJWxXI8 P4qxfjZlIrY PANWQeBKStk PGBrZLC15yA
            PHJ8eybXJdw PJlDO21zl88 PMH4mdJeojE PN3ApHIGopo PQYmOknHA4c PRZ4VhESz1A PUIsiLk8etk
            PYylJk8R9Ak PbyI-sUzLZY PmemTgQHagk PoKZEKOf1dA PohW-isYMK0 PtH_8O__EAY PtdK-TLOuD0
            PybuzkS31J4 Q2uHXKA8cq8 Q5YU2sLKVL4 Q5fZk_jPjBI Q5uYByRyswI Q7OvlYjNt9w Q7nhtfkIPN4
            Q8naC1qriIU QDRtKv8PvFs QE0pAVSPsKQ QEG_hkJsaYc QI-TTqj0KnA QJCDZCllSYQ QLEOYF7Mju0
            QMAztkqnvws QMEgjkpyVzQ QNxiqu1y1N0 QOxIdbNwpx0 QP2CjKap818 QQVRIGEUa_Q QUpI5kMw_nA
            QWaUvAL-yiA QWzIJuhLLrc QXPOQW2tRBs QYp0lGhyL6A Q_py5n2fQXw QbJiphIpzYc Qe4AT670hq4
            QkMTYY69JYQ QoIsjc4-GIg QzdEjKQFisQ R-17BoOk4kc R-HKj8Yn06k R0o37yJ1PP0 R0uRDh-engU
            R5a3TP-l_n4 R8Kw_4Y9E0s R8leu0tEJ4o R9ypacCuEZo RAiO_rChmdU RE-LIPOFnrE REkPZ77s3Vc
            RIAEgUKtzxw RImmdklTOW0 RKP6j28FCWE RLHZ6xtIWSM RRKez9BR-94 RS5WM3q2ZZQ RST6PgpsLws
            RTzDzj4NxIM RXcI6PK37lM RaTQZrdICKo RadU51t1kL0 RdExUaEIWIk RdOc70IrjJo Rdf0Psjyrwc
            RfKxYiFd-fs RgubFcmvgDE RqOgkJbqFXg Rse6laKf1i8 Rt9rN1ntS3E Rugd2NMu4bA RvIohowRPAk
            Rw2pzFGosmw RwcTz-tOIeo Ry2NJPd4N3s S0ecaAi_CJo S21ApRNQ9Ko S2znq3iRPwE S6S2XL0-ZpM
            S8yP6lBOdKo S9PDgK7fpJI SCXp4l0CO4s SGsiGz2fdpo SH0wXyhsx9s SI39azgVUR8 SLi2gT5H6m8
            SMr2DprlLu4 SMzV26l6iA0 SNBqe_JpZC4 SRP5FYP71Ng SSNrLu-eZiM STeqtJLakQQ SWHmteF5Rlk
            SWhfaL7AdEc SYnygYs-fAg SZRxuS6fn9s S_ISgjJR1bc S_mxvk4LEh0 S_tGoxSEh5Y SaNXCez-9iQ
            Sb2xMPwNKPo Sglx7douG_4 ShgrdU9WAJE Sir2QeCh4B0 SmftC-VAfYQ So3bPzg2bq0 SqtZGF_f63s
            SrMN3rwvCsE StgqrTr0JqU SuKnUzid-1g SxbTZjZD0vU SzJf6viBWBg T-8TvJcS78w T-vqHR989bM
            T1icdxz0TNs T4e4Ba1sRg0 TBCjKGYBNIo TBwetweXRb4 TFKgo5JlPro TJelZLbfT2A TM7cHOHfF70
            TNwwVWA-oAE TO5HjoK8Iu8 TSDC7CCyeGY TUY83eDK5jc TUzD45ghy4k TVhXqAI9gyA TWMFQED1Myk
            TWf0XFpXwfs TZXcQemh8n8 Ta_IgA3XJ3s TahiuVpcROM TbZPa_keawc Tdw0fJt0lco Te-vgmYgGM4
            TfBVq9oWBmM Tiq67-bAV3M TksWzxo81Mk TwTLsgfpKvA TxJjAK0WrOY TxRS6vJ9ak0 U2Ydtq6qvL0
            U4-u5NZLA_w U8Ewftg_8CI UF9OlX-QNHU UKVwc6I06x8 UK_IXtJ2BqI ULkFbie8g-I ULtBuI6nMaY
            UPghCarcnMc URP2YlSNuZ4 UTNP1roJV3I UUukBV82P9A UXvMaHD9kmA Ua4g9q0r-dI Uc-0G7RRxoY
            UeOIb6s0pVM UfLMdSGGQVw UgTM9y2rD38 Uiq0lf9ibF8 UjT8pHMN8Q8 UkqTwAuA8jI UmB5c_QqUPs
            UtjenieM1Ak UtuTyW9pUN8 UuR4Rw38v_U Uw1nWfSuyo8 V5lfNohNlEg VA6lVHlj5d0 VAFdgtqZz4g
            VAr7gJydnys VCIe-4p0xoM VDjnKdFxuBE VN1IPN1TL3Q VUrTT7xsrec VVZLA2neYyw VWik5oKP6IU
            VZqkWIPmH6w Va54WZgPTdY VbSsGRXIwjc VbmSzYg_lmg VcZffwwL0bw Ve-mmCM8TI0 VgqI1KRnDSw
            VhKJm_jiciU VjAvqFXEmmk VoETCD8fBLI VugBIVwSmaI Vv2DTPyyw90 Vw4-ae-ucHE Vx8npmcFxak
            VybXjsmsjAY VzDXgBOe5iI W-pA0lOGLR0 W-ptEZFARVo W-q9bPlMIVI W40BaML7mzc W53uRqITk2I
            WANirpnKa4w WAXJRnJXmOA WBCRTcMJZZc WGfGxoI05ew WHUHTmtBJWU WJ2QF4Kw9Y8 WMzvDL7b4sM
            WSjlhBDxNW8 WTF9xgqLIvI WUeSV0Z23Kg WXKgBIiP8IA WYSomBHdl4c WZVfvgTeFPo WaaSYRPwQBw
            We5nTulz1Vs Wfn7XvSEwUA Wh6sht7xwqQ Wn8nz8GPKkI Wnw1IAEDwDM Wo1RxRjXyYw WovurMxG2Aw
            WtiBpLt2wuA Wx9nThz5z_Y WxYb2x_irTM WygyVNL_qdE X0jMZoxUL2A X2leyjuolDM X3p50qqFW_w
            X6-jJO00DMg X7-Gbk8gAD0 XAT2IfFFAU0 XAazxiP6tP0 XAgD-xoil40 XCyngF93SmU XDVkhOziCkg
            XEZ7e4pf1xE XFGHTk_3hGg XFJQJb0yaKY XPoY4LD-A1I XQOUZhWI1B0 XQxnAPleuCE XVSDfgstFUQ
            XXvSLz8QmGk XblL7mcdDdg XbolrpSc0KU XcHLB-qfv5M Xe-keAcLge0 XgT2WWcXip4 Xo6-V2RlWss
            Xq7zLxYHxd8 XsEPZydHWdo XwOdPYlyqXA Xx7Y2YIbleA XyBU_gZtU0M XzhRYIeczg4 Y4izAQYtGEw
            Y6s_vuUUsJM Y6zyM1nDhN0 Y9fvHRNz2Bs YAYfMkxhRiQ YB9EUgrzCCo YD5vqR15nco YEOU4KFDjZo
            YF3mDOuF46M YGeVGXXK3ao YITXOmhQhYE YJJoYkFPmds YLA7h1RTa9w YQUutkMdLj0 YQanVofsHoE
            YRbtXb9fWmI YRmjALBdTdE YVBsDJtAbk4 YVHJpAROBvQ YWjTWl0oNLk YWxvIFmYnNU YY2yjEEoB3U
            YcJ5RJYUr7Y YcyHQQXGXWA YfxtwXXkCmc YgyqX4aZ4tE Yi6Qyn4X8is YjNYBBs1AZw YmGfjU5PGyE
            Yn8vNC41UMg YodtMIsjM0c YqHEmUKUy-E YrPXbGBvqGo Z-26eyME6Co Z3fcd1wdzr0 ZDz8Qr-sJ3E
            ZJGzEeDXbyM ZLCK8WX6qFQ ZMAoUt0SD7E ZQaGGpcIPHM ZQuGizjoCTY ZRic9ygn9f8 ZSBoSJaD2tQ
            ZUqTWOx9jYU ZW4Oe_fKJM0 ZXHX_e6HCI0 ZZ1IyZaMTWQ ZZzdvUdOTww Zae-zQ3VBpY ZbVa-a2tNFM
            ZdX9sUd3bAI ZfQYEa2fHGo Zg9DKOHJdw8 ZiM_gkdFGJk Zj_4YmbMWtg ZjsQqd6KZIg ZltpfWh2aIw
            ZmAIDJ_gcXM Zo8jCDGMWjw Zr3psuFQoDY Zs8x712Y-CM ZtuTCuh9C1M ZzL2sHtTWRc _26JmJnPKfM
            _2u0MkRqpjA _4K620KW_Is _4PNh8dIILI _8pvMpMdGM4 _BMdEKNF5Js _BXmhCPTQmA _BtdwH6mfWg
            _HabvL0VnrQ _HanACduNJk _JcML8u5Wes _K0okiLaF9I _KGd7IpX3B4 _MGd6t9eZP8 _PJ26YwqRJE
            _PKP676ez2c _UNQDdiAbWI _Vp4SDp_knI _WkXQNVLQXs _XWUKMkxa-Q _YzIvwvyIq4 _ZlF5Q9W1DM
            _bIJOxiIJFk _iRAn6feOmw _iy7ftq27xE _qVgNLJCYdA _t8ETpf2LnM _tBaGXNwlp0 _v8c7iWkYz0
            _xjBqNfiEY4 a4vRa-_nuJw a5CSKvCAhbs a5FKWiI90hk a7HHg_JygJo a8WV5KEMKSw aCwLQrJz4Bo
            aDvgbBqTWWE aE-X_QdDaqQ aE7sckIAWuw aEaM_LOI-BM aFZIvp3SgHY aFhT0px8AMw aFjMWlR1QAY
            aI1tdJPHz2I aIUF3QJJOF4 aKPfbyW-Qxw aMtFBGh2wKI aNOuoSVlunM aWwjhcYLbRw aXla94xd_AQ
            aYdMtEO0cbI aZjCq_hv2Pk afCsKTHteg4 afDJvn5nmtY ahcAFnY6iAY ai7G98thPpk aiJg0jtIHOM
            aiUq5xksJy0 ak7N0BqMluI amem5EmRG3s ap465Tlzf88 aqmRPNfeOy8 asWraTfIqq0 assx_NKo-L8
            atxoi7pB5TM auTpzciNgls avW2m6VHTyg axQ5CDRawO0 b1Il3Nf6BrU b7DK08bWU6c b8xmgi4VV0M
            bBJ0BxmIocQ bCDfIJ12oqM bD0FqMn1KXw bEXCrGIOoWU bI3DTH2yTbM bJI7-LnKPH4 bMuoPr5-Yt4
            bQcJVJcpgAs bU6CgE_kMRY bUFAN2TgPaU bVhWpCvpSs4 bYt4wybVLRQ bZ2ytqPtyK4 b_SffSbPVJM
            babuyKl7EAw badtXoOJaf8 bcns0Gu66D8 bdtwQxwySN0 bfy28AlY-TQ bge5PUG3G4A bh4_Kd4hhd4
            bhFK-xy76U4 bhPB19tr-JY bkP-BNW4oMg bzPFUVGPS3c c5-L8vC6_sk c5AJbOd794U c6wuh0NRG1s
            c7xUcM68IFE c805Td8A_Ek c9jD33baJ60 cAA2mONG98w cEXJ2zFbC9I cHBRDdSXLtU cHrOisasWLU
            cKUPgzZu-Fk cKldvZeyRDA cKxNJY7sA8s cM1Zuji24dI cMUS4nhcKCQ cMsTvqU_-rc cOcNe3L4VAg
            cRFiXLzcCOA cR_KQlNhoNE cS3BDGNDu_8 cSrM5mHACmA cSraseCDilY cUm0TN3vXRc cWN1bibicHc
            cXu56oK462o cZDAM6NjBzE cZVM4svwE90 c_FJuhSte8Q caLWajc18Y4 ce1ObTPlI38 cfX_iuhCbRY
            cjgq9d8Zn9g cl1DNRGX578 cmJW6mkspkI cnllFPRyBFs ctMCSUT2LlQ cyOSDKOxb1o cyu1HhakSaQ
            d0QNH2vcDgU d38u9n5GOLM d3EeIRaMbbk d3I7Ug-_3L0 d7Dz34-cZ74 d89Z_olwc2Y d99mfGIenCo
            dCDAcBR505Q dDFyJp_OkeA dEBug0QYayY dEXSb0CfodU dH0FmwvOzs0 dJ5MXl66-UQ dLmtsRyRH4s
            dLzsNc_hzkQ dOSyvhYsfFo dQ56b0bqmc8 dSax_7klbfE dWfgSGnd9zM dXMAS2tIknw dYyg91d7zjY
            dZK01jhM27k dZolFNqR-hA damyXH7mBic dbH51F5Zqi4 dbpGH5iP0GE dcUlt6zk_S0 ddix4XuaUlY
            dqragS38hCk dsob2MgUPpA dyZdiWNflko dzSv6GwfF-0 e-2QlzFeyNU e0hYEr848TE e0ltF8zpEcw
            e1E5W_ZefmY e7_2U4lm6TE eJwZfdtlks8 eMa6gbD7id0 eOU_40p9RpA ePiz4zU6crI ePtlUYCdrNM
            eSHOcLD5T58 eTCnM472-cQ eTn2P4wmFr4 eW1vgHE6FRM eY64P27khzk eYCiRWf2NHE eZVcshSUD3Q
            eaXDCknxPrU eeN7l4R3nPc efLrpnuLwyU ejDe6hQWZOk emtvrtk-jsU eo8L7lCTjDQ ep3IasggD3k
            erBIIKA6r5Y esR-tOjT6KM esnOE1LefKA etPDgRjrnJ8 f-ZNjqLlrm4 f47bnEUrOvA f49boM5fb8U
            f5k5cF80aUE f6S2XNPIiFk fB816aeHRFk fDYZINwIs_A fEm9AdLNrjk fGYbbP8RDLQ fI9KptYFZeg
            fOxg1NstCHA fSOVk2cS-sY fTKe7E_4OCQ fTNOAssiTYk fW1pK2L6RgM faMq0C_wTpU faXGVcVcVsE
            fbHlBmq7Ipo fbSxct2JcKU fdK_tsvBXJ8 fhY2vbnjuWY fi7g4GoK-z4 fjE2EZKgQm8 flBtk736di4
            flGZteJUNYU fnFoRPqkQeo frNJdG0GkYw fzuTEKwNS94 g8NBNtY3cpU g99kISQbyuI g9rNhtFG9aU
            gAMbkJk6gnE gC_wF3uKFW0 gEgcpVY8WK4 gFAOKuqpUq4 gJdSxPhf85M gLdRUsLw4CA gPWyANEm0eE
            gRAmIaSlm80 gU7McujYYPY gXDRWhJbfFU gXuiIWRxrw4 gZDyk95Xob4 gZF-YNQHqwI gcGZp9JX_qE
            gcpsSao7kHM ge071m9bGeY gfHrSg3BwiQ ggbV7YeSl7k gjEYmdWrBLM gjGL6YY6oMs gjSyl6evrWk
            gm4l099casQ gr8mzv2xZ2s gr9YU-UTJzQ grePRQ8zonA guRD0zQC6Q0 gv43BPYYxKQ gvjQ1XfMA_g
            gvrfI9e5xHQ gzZ8NTeTzRs h4LrwMn94ss h7p5URoookk hASTLbFHrEs hCFV5VLgS0A hF6kFQPdBjY
            hGRRlXfH0BY hIQhkTjNaQc hOp6I4jGvu4 hSEfYcIjIr4 hSgKOKK3L8M hThsntvCk2s hUBQrLjm4M4
            hawztAtYHCE hdLC4Ro977Q he475nnmMi0 hfK8QtTd7fo hfVXx8hfKak hfvmQuhqMmY hh04W3xXa5s
            hhK7q30p0Jk hj1ph17-0jE hjBQmIWiWgw hkGN5q3OOCE hlBOP5NskhM hlYDicOj2m0 hmjfBZGGZR8
            hnSdAbnHDy4 hntnelpiyl8 hp3nsb_eIc0 hyazktfsZew i5bmKlHv-SA i5of7ZTkyfw i6UngvEEuNs
            i714Xt6eb1Y iEOBNT0HFtU iFGoQUh81as iFj9wJaJSPE iH04VOkbof0 iM3wSwoAtwk iMG962Rj3Vw
            iMss8xBhFiI iO34hER47xA iR1Os7FVGHs iREkcXde5ds iS91daVpH2E iWBx0CP9JqA iYtD_ArCdKw
            icIS9VfbzMw iceSGs0MXaA icehEYAiimM ieWQdiQAh4M iex7I7iVnLk ihuGFUrzD30 io85pRFj_dw
            ipLoS44xfO4 ixQbCXLUUj8 ixZAEncExWI izFBeXMTgds j4MpQ6CKoDE j6R1NTrosuM j7fRIGphgtk
            j9mRv472dq0 jD3iIEsc_K4 jEQoBvc7V1o jFNgOznarMo jFpRdhl3fgw jNdvceZ4etc jPGDFrQLD4I
            jPf0LjZAS14 jQ3EmbRIe58 jT3FSTBA8Us jUKH63mltLE jV6qzF2YROc jVayR0VClxQ jXp595jj734
            jYT3-RQFy1U jZTe5cbwwEE jZnFr-Mzj9M jakiZQd4boM jbJF3aphcP0 jbKDW9URnvM jcQi90n008o
            jfSGWBfVNBI jgNu58Da9cs jhb6SV2dQzg jjb1cWmkhI8 jjbOD6u7V34 jlCFLG6rKKY jlW4Iep4mmE
            jnG9zog4NCs jqKzaEniiKo juI9KoLA87A jzNIU-w0MVo k0cGUNUHuyY k1ca_xbhohk k4T6GaDrcjs
            k5-3KuvCFms k8NgVOCDYKM kCQqLNiO0mk kDyK9VGfLW8 kKMfsWrigTE kKkZihSbxF4 kM6wo2bb3nw
            kPch8YhNfPE kPn-t6NSxfQ kRs39SO-neY kRsA87VU6EQ kSooCdVTI6E kU6YY2z7z0I kY64gXOapYk
            kZfcQ4a0kx4 kcIGTPHEsNo kddCewAsxfA kf3fZcx8nIo kh6eynD9OIk khw3YCTFLfs kiR5zVo2zvU
            kj63uF0RhW8 kjQAkrdbREk kk4gr5A6_Uw kkaX3okuvjI kmAisuAFckw kqXpf26EL-s krHZuqfXrPU
            ku-dtUqCm2o kuQWPuhnlHs kwkhYpCHWPw kx544gnOZB0 kxcCxbsKx3w ky7Q5onqxGw kyPepNmxaj8
            kz7ahNfXFsk kzmaKnujN64 l-nM_U1qpko l5_DDqck4Rs l8LTcZJ-_8k lEsFI5YJGDo lKTeLK8nq8w
            lTfsqoo-jKg lUNNDDsm7R8 lVj6ZdyW9pI lWXjdWvB0VI lWvaIexY2WU laxadgca3Fo lbx3eu8LUl8
            liJO1yIFsJs lksy-At0vxc ll10nEjTvGE lo0R1mvjDT8 lp9vkkimXqg lpF-yBYou0s ltA1VF_DUSc
            luQfWSfb1s0 lzVA--tIse0 lzyVWNrkgbQ m0-DH0k115I m7SJs73SF8w m8tzdtrgFUA mHEtr7PHxoA
            mHIvH6Nnrls mI50zj8cTNw mKP6TVuixWg mL2v-sODUZ8 mMeGgB9-hSE mN1Z5xEOy10 mNurUl_Q2UY
            mO4H5S_Q7aU mOnyMWhb5Ac mQTaEIrNxnQ mRPIse3OO74 mRnEJOLkhp8 mSWwz7dXUP8 mW8eL4e7Wrg
            mXdvCxLbpuY maO6KmmgcB8 mgovo8VYtvk mgpoY1-110U mjQfQx2K__8 mjYeEikLR8I mkkoJ2iVbGs
            mn8_HvzbN5c mpfSRGHFY0g mrQIrm6hYMQ muOYAxkG-Zo mud6tEqFiEM mw_ZwML0SbY mxFU6TrHChY
            mxa4KXSz9rw mzTHW2dtbs4 mziQcFSsdRI n-sgVVTE9Io n2BuwHbdilY n4xRx0J3rYQ n5J1ZkGUGnU
            n5MU2-GFjo8 n7K5SpMrQt0 nAhn8-kZpM8 nD1R4UedEDo nDXKvarLEOM nErOMpqvcRg nF0AMbTH4VM
            nGah7qST1dI nHMHePX9WoU nHP7l5zAwGA nISNBD3I95A nKiC9sEP2vM nM5S3xxNOlQ nNFDj9fRAqE
            nQ7txb1MtG0 nTBKtwqPIYw nZEPf7a8GbI ngp7s5Wvde0 nhD9WSEIspQ niX_m3aMxhQ nmWplIQhvoA
            npIVLL_fTf0 nsLACXjD4KU nw6Kf3AtCz4 nxksB2kDJ6o nz2vkMyqfeE o1cRmT9qnOc o2bNnLOEEC0
            o2miCpS7Hwo o4b7hjQwpv0 o63doZKEIds o7vcTMAX9fQ o8OZGBDPD8M oANUXY3xXKM oCsrnIomHos
            oDznO5w3v0U oGnKsroR0R0 oHV99Y_EWfI oK951Y2N_k0 oNCvb0F-c88 oO61Ma17tRA oOhxCwkZsUI
            oPvUDLhTrjI oVqBUyKvgdU oW1OEsP7Dds oWAyEzyp2xQ oZkWWCQw2Js oaC1UATdtAg obnOnuzb-Xw
            oecQ9yDtfx0 ogGweZUAVtU oj7A8mpuBeQ olVQZV_1rdA olcPEN9x5VY omBcvw7izuM omHQ68k50XY
            ooGB4BLK9PM opHUZsc2WO8 otna1VHHCow ou6S6fbfBWU ouhCx4TgHlE owT0_Xfu8a0 oyHKiX5YGDE
            p18PVgfxook p19Hsjx2xgI p4IeTRNcxc4 p5LEk2u8tXk pAclBdj20ZU pC0zFF8CXXk pFh-SLxltms
            pI5Kng_GuLE pIMByitigYI pKXaKinzTmY pU-MjERGTUk pVzHaakhKAw pY4ovojS4rk pYUTSG9frAk
            pbFwuNCQlH8 pf-78LF4ORE pf6HYOOwfGE pfCPogxnUfw pjWLxORDDP4 pkH2TfFN-6s plsot5mFAtQ
            pnSRLB6anIM po5jCjnxW1w pqAGD3ijMPw ptgBkE_e5js pttwIaJmfcU pu1C7tmYHxI puum3vabpb4
            pvlmYjQdRmA pwj9YeMJC08 pzUplbeH_fg q-0gu48ClF4 q1_knonj0Lw q3QUybiOYeU q4hP2j7oewo
            q7BxnIM2_z0 qCUg4ek1PPE qDIh6YNbIMU qEkFReBuwxc qFppeQvdfxI qFsGMA75-oQ qJBQH14qtHc
            qJZlp9uxoTU qJh6x4wmmh8 qP4uuMI-JSk qXisb7w9LjM qYJtbgLqizk qaoSn1eEyq0 qbIajpM7U3Y
            qd6YuFGcBGk qdeQg5dZb2E qed3medhsj4 qjMyjLSORY4 qkWdc-E6jGI qlDT-bmIzQI qlDiE1d45Bc
            qmx0nQZYHIo qo2reupzUE0 qpht9L3s9G4 qrI7XCKRFNk qrSW93EtuMc qszy_WSRFUM qtI3CB1jslQ
            qvIhzmujTi8 qyJiDgtj6YE r1erb5PSm1A r4ul1wl_1T8 r8OPmbZZlpE r917wP1qsL4 rApOTQgFW6Y
            rB6WmWvvyxg rBWeo_rEdcU rC7qKZMKa0U rCQYq4T8SEI rEWQW_ibDwg rFHIApgUtoI rLHJ_ebXCHQ
            rNXM3avNBKk rVG8gOAY0JE rWjPSlzUc-8 rZqWAnrJ1Nc r_vjlTcrI-U raQ9Pcgo-II rexJoy4RMdY
            rsQRiALH5FU rv1gp0wEhI0 rvQ2cRnroOU rwe-hBNpzH8 rz4Ax6xfZHQ rzsk_IvI7bQ s0PUurm1ONo
            s1Yo_MCiMPc s1tVE8g6JBc s2oX3zxWuEI s53UAEi7JEY sC1NvtirijU sFLTjqVS7AE sFxUNO2HOKY
            sIGAq2J4KKI sK9_de5Jx4U sKwPCpFtUUI sLaTZtL0ZIk sMnbpyFqrlE sPxoGNvnVzg sRMdbZVjhis
            sRex0-9yFFc sU40irMa-so sWsDAG6x9n0 sjoArVtU8-o skp_SpnIOCM slLRsFFiiRc sn1fEo72gJM
            snVkfJKvjwk soqnBdPOwoo sqADHmnM164 srbrWyZRMCI ssH8WQF4eN0 sw-smuVRByI t-wXEPHHtME
            t0Wi5Nb6kbI t2U7w3K2qac t4-ZulW5np4 t7a3zECpT4k t80DGfWJ3fI tL8RzwWSmAE tQk-eoA7JyE
            tRSPfPlNbMU tUTf9R5u6r0 tXQQ0joMq1Q tXxXhGD1aMo tXxf6-CilNI ta26Z2YEVMQ taCchyi5h68
            taGs3-SMoYM tdIZZ9v0IGA tgrxA3CiBv0 tnhRxo-g3Xw trQLgl6ncmk tv8IhQZQuJI tvE_DucE0_k
            tw2xFbfgV4U txjqbr6FoZs u6H0sVuY1ac u8ViR4L2cVk u94VPxEIJPg uAExKaLeOl8 uBgRo9tnv-I
            uITHY4LORDs uN0d3ZOkDp8 uQds2dN1AiM uTWeng4h5eM uU_3tbZ1zG8 uWW1ejwFURI uXYAfpQUYVE
            uYzZB4ccG1Q ueCWy7aTmyo uea5xJZygsc uxHBEfIhY-E uy9MGhVqCp8 uyOrVTq8Tjk uyeQsv2tq44
            v0a8N7Y-Vfc v1GKBjohgHc v2DFe9X-jCY v3l56fl6aJM v45zoIrjoTo v5AAvrZuR2U v73dbqOUoXQ
            v9GshyXtiWg vA68fTqDars vCWpKubBbcw vM3YB7LmMq4 vM7m581tHn0 vM9AH4EqCaA vNID-RVhWcQ
            vRhj2bLo1ho vRydHjRzDX0 vXABB4tBBUU vYOr36tdcpc vbVLgaP5IYU veHYwR7ge6Y vlnKSMw5v1o
            vop7tN_K64I vqBRkjHWjXM vrgwwihTxVQ vttEPA6Xffk vwUBtNvjrU4 vx8j_4DMqh4 w-PFjo89Dpw
            w1MxXu5D7ho w44JDB1NmqM w4xIyGs-3wc w8TXP0iz29A wCbQxI_-GKU wCtZdAdoIm8 wEs7pJH2mqQ
            wHQYmMZzyJY wI7DDCRh4Nw wLJohZMqR-g wLj_gnNON7A wLrgvSYLPUI wMggOhhVouA wNx1ZnQ0MDQ
            wOKWTFYYMuk wOjnqud5GBA wQkNqbrAlB4 wR3zalLV_6c wRKVNiABc0w wUf6AvCMHbQ wVdoIjg3ZFQ
            wXuBJvzeC1Q wY8JbFOsp5E w_qYZSVx2dM wb7CfuiIZFQ wd-LTpCtAzw wdU-0bttAkc werKCgZ5dFE
            wfLrS6CdFs4 wgCSuviySwg wj3ur4fsiN4 wj4snKbUWZA wlrb0HyIs-Q wrQVnClcNPM wtCKzu8eVJ0
            wvMA0r3esw8 wxxqXK9x-64 wz3nVBPVgIA x5xF4yu9Bos x7ZR70cTa84 x92920ole0w x9E8yaFCX0Y
            xAApNMTj3as xBsrNFxnnuY xNYsfeSgDCQ xP81rX2ATLI xPN38lYBQv4 xPhlDO-2Foc xRJXYUZVdas
            xTBBDx3DkXQ xUz5cCA-oTo xXGEkDhu94E xXIq7YPkdUQ xYtNgq9eTlg xZ1FrxU6hcg xaSf1d13WoY
            xbl7bU5PGBs xfP0bm6Z-7E xfeASyC6PPg xgAwddSkrOo xge9aYTxxOA xiRUWSUrGSg xk4C4p5vHDk
            xlNDpmKgSIc xn9_4n4NpEw xnNZyfhusAk xomMHflvVDw xqcqieV0Rn8 xsiHAO0gq74 xu53lk4dhSc
            xvnFF0FiyS4 xw-Blnej8EA xwNQ7QuXaps xyOa9ivNrg4 y-nEcwAyQos y1gL_MuokI8 y5JdqGL5DRc
            yALhl-lMBxk yBGuxyO-ElM yDIFWzOBjXc yEtfjJOMMCs yG3wpvLUQcg yHtR71rx16I yKdIZR5xfcc
            yNiJGh7JpLM yOQHOiswVjc ySfHPyaDbqY yZWH2P-h0jo ygb8Cfxghbs ymPQOY2O_nw yp6Gd2NPwOU
            ypZhKsR-9iI yrIXBklJ5YQ ysGFcG_PI5I yt9GpittX4U ytXVSpPfKwA yuwvVTnsDjc yxZydS2qHzs
            yyToAEoUuek z-bupzylxEc z6E-ocntPo4 z7FicxE_pMU z8bWG2z-bMM zFTuwjr3xq0 zFuRNvfC4So
            zJWmmDk9fCE zKNAu2CCeRs zOHZDq2BvGo zPskvGHHQtE zR-kKDaSDmE zR62DCEMWgs zU2_X9lIcUM
            zURYO3k8lW0 zWfDRPy4lXQ zaTyjiyrHnk zcG0ms7CdBE zeQKU2L173M zg-ZIxVsBbQ zi0a6r52ZlY
            zj4PzGtFwJM zknhrUs7-lI znNt--6itO4 zoPOeViAdOo zqkawTdHN5s zrFZAofNGi4 zsRTbbKlsEg
            zuc7vUhZNfY zv0Jl4TIQDc zwRBZisdpQ0 zwTrXwi54us zx4W0Vuus-I
        """,
        "val": """
            --qXJuDtHPw -571d8cVauQ -I_e4mIh0yE -UacrmKiTn4 -hnBHBN8p5A -qDkUB0GgYY -uywlfIYOS8
            06st0Ez_E_I 0utROiKxejc 0y022OlZ3W0 101787 102408 102858 112433 117tQqLjza4
            11j7EfglCAs 121128 125344 125676 128059 128763 130456 188343 1HK7Nea0PFo 216097
            223431 225770 236021 237009 241629 243646 247318 252998 257247 258654 266791 270254
            272624 273539 290546 2J4zrDn7K4s 2S00zYaVrtc 2Xt31_d0XEE 31474 32681 33170
            3MFNIag0wNE 3V2qm0rw920 3j94B0pzSVs 4cFeG2ydm9A 4dV3slGSc60 50103 5B0PQx3Ep3k
            5O1W39o56gg 5i6AgQSjXO4 5kaCGzjYukM 6KvG5VbLalY 6ZA8I83x-oY 6_ZT8beQXq8 6hFiTU77Sm0
            6uPGcKTpC4I 70280 70HptJgAhZM 75RGHaxmUK8 76PsKs4kPXE 7_K3F-lAv1k 7r4vRxKLFCA 80566
            80855 830KzUc6CbU 84140 89835 8eaYvALnJ0o 8x_nCOh6Wmc 96642 99501 9QI-9w_VdB4
            9iRncKVM2PA AG5EY8ZaFj4 AbNmF4RTzOI Arh2TKRi_mg AxNy9TeTLq8 BSKAHXFYF_I Baz0VVQ-E9E
            C864zaWmEd0 CJGuudyvA0Y CPjbogfLHR4 DdUJojoFU_c DlbYiwOnTyk DpZGnuj-BA8 E8MuzHUhUHk
            EEjCkc82oyk EQxkXiWAm08 ET1cU5_A2YM EmmuWoCUgXs Es9MkKsMsjU Ezn3p5FWF_U F1U26PLiXjM
            F4yFRROWtdE F6JV-K840EY FB_b1dm0SRY FxxJB8hBpyQ Fy0Uid9afM8 Gz2qsCqWNUY H1DpVwktfDQ
            H6ci6Myq8uI H9mSft9YGuk HGicRLwgtkM HetCe0lLacc HmXXW45eZL4 IM6HW1HwHhM IRY4D_-mx3Q
            IUmxJNs2zaY JAnRCQ9A0vI JGzFUzPeAA8 JOK1SSmPtFw JPT38CA3sGI JVpF99zuQhA K0m1tO3Ybyc
            K8gp7ncdUl8 KB73TD4xQ8Y KDjl2exStlI KkKWFZZmmCM KpMCvUyQCXg KqFarHUGjSc L1eFHRQGFeg
            Lh8r-5eHX6Q MCsvw5-7lVE MD6Tq_4VlGc MMpo2bDk-DU MjaaudUc5-4 MoQmPA7Q07Q N1X63d_jgmw
            N5xfBtD6rLY NoZsdSGnNpI Nrurc5sMUOE NzvNW7vP-Co OLP0nCKwU6k OrYBtyO0aPI OwE-7MwzfYI
            PORCNDRKtko PboaYD5hlG8 Pt-D0LUHDSc PwapK9d8IGk PyQrAYl1bFs Q4WzApjaCNI Q7S0tX4FUNA
            Qa6Yz62V-Yc QjcQx8_PQfw QpchvHpGFc8 QxU625Hn370 R7IkQVUuLew RArhIHk4Qs4 ROcTx5VEn7o
            RrGpzInAwCg RzOFxDk26p0 SHa756SwGJQ SO53x_pbou8 SuIcJvERiFk TH32jop4FiI TWszOxkOV0w
            TXCXFYIc3Yo TYJzg5IJN8o Tpdqfpuumg4 TqMh7U3J4D4 Uc_6d-fkZEc UiPmjKggv1s UlTJmndbGHM
            UvniNGPyeBc VAXhC2U9-2A VbV9S4svrTg VinxKpWioTo ViyQVpGW05w Viz5vDE39y8 Vuay0mVKkik
            VwvptdTkwEE WmQF5RmbsVQ Wrcf2xtqbkQ WxajvjGKz7Y XIGpuL-Kkyk XaVYxIW0FDg XyP8bVmGX6M
            XytBlo2R5Yg XzVapdEr_GY Y7h-S3cJ52o Y7qkyMyanjU YbuG8xyUO-o Z7L3V5bwzI0 ZaoFHcbRM9g
            Zvisaa77Cng _7HVhnSYX1Y _BvNNdEkhZA _aZDaIfGfPo _gr7o5ynhnw _gzYkdjNvPc a-WihYDk6vc
            aFhc2ddipoM aK5tRCXjUvU b-FX9NOVQOM b1LEcg6z66g bAkUEnPoucg bNQkb4K5DX0 bQ8QteHvrEk
            bWunvAd96zI bj9e8w4vNxo bpvYdXVlgvc c1a1y9ytHH0 c5cB7AfVgcE d8BR6hsvzoY dBWvtPeHpWM
            dEDbm2ubVRQ dt641WxonBI eKRWfaizBO0 eOiC1kb17P4 erNDEjQeox8 evAswZ6m3hg ewBrNsyY82Q
            fPsy1co_nuw fWOIAxzBQFY f_ZJ7L14oYQ fe2CWCpdTF8 ffrJ91swyq0 g8Cl74tS3oY gR4gM_WXesQ
            gVqs4TzqySw goMtnNHQ_z4 hqzF4IDaIYE hrLoOAh_8LY hvfaYsv7p8E iUXqlrui25c icbUzboLcDQ
            ioupaiAuRr0 ip8xwAr4MRE j0br-fFy160 jICmfLeFymA jPrEKz1rAno jrDqduyQrfo k5ZOshC2LP4
            kbGhEJ4W44o kfsO4c0Ekes kvUb78Rdzdc lO87-4Kf0cQ lWf5hHRHIDs lawHYX5eB20 lilHOUfWrIA
            ly3QDQDJzzQ mHGaQ_nv9UY mLW-jn67gRE mjpCK2Edsv8 nUZYqTRSGDw nyzIL6YAonY ooAF6I-fmTg
            pOrk7fl1AYo pRdxEaLB8r4 pVs1daijYTw q9yDL81QppI qK77ZmbqmOM qY1sXq-YCHs qmMSumMloAs
            r13W4H8ZhqI r5ijC2W9ddk r8Jyl2Bfl14 r91csZc6AXE r9tgDqXEcuc rf0yDSeVEUA rojyUp4FPSg
            rwNlqh0k1j4 sC16n1k66io sPremsknoLM ssqiwP19JhM szic2IB9HB4 tQ-CIfgj-Js tXQpm-nKxNA
            u6PL_7Z9QlU uacdDoBtT1k unNY4zIk8MM uooIiW6dEyg uu1FqsR7JV0 v2Rr-EsJda8 v9gjg7TDlTA
            vC9oWzTU71s vHzbn_YW76s vU0a4F36Ksw vbr3EA8cJTI vo_JbAFAD68 vySKXq0ZOb0 wF8980oGklk
            wgca4dZnnVQ wosolsrH3sM wvLEIxt-_V0 x-zGBp7axao x2lOwQaAn4g xUgAP84vsg4 xivYoEUQ5sk
            xjsaS-LeZ14 y8HXGm1-Ecw y9FyTEyGy5Y zhE_68GMJIk zjYEBwXGD8I zk2jTlAtvSU
        """,
        "test": """
            -6rXp3zJ3kc -9y-fZ3swSY -AUZQgSxyPQ -HeZS2-Prhc -MeTTeMJBNc -RfYyzHpjk4 -UUCSKoHeMA
            -cEhr0cQcDM -ri04Z7vwnc -rxZxtG0xmY -s9qJ7ATP7w -yRb-Jum7EQ 0Fqav67TDEw 0JaYazphxfM
            0K7dCp80n9c 0PlQc98SccA 0YiAKqU36KE 0bxhZ-LIfZY 0eTibWQdO5M 0uftSGdwo0Q 100178 10219
            102213 102389 104741 107585 108146 110565 111881 112425 112509 116213 11UtTaDYgII
            121400 126872 130366 132028 135623 136196 167521 173CpFb3clw 180971 190743 194299
            198112 1Gp4l-ZTCVk 1HS2HcN2LDo 1LkYxsqRPZM 1S6ji_d4OLI 1jogeKX0wGw 1pl2FVdQWj0
            1zXAYdPdzy8 200941 201005 202826 206585 208322 208592 209758 20LfN8ENbhM 210259
            210433 211875 213327 215318 221137 221153 221274 222247 22373 224263 224370 224631
            226601 226640 22689 233939 234046 236442 23656 237363 238063 24196 24351 243981
            24504 245582 252097 252912 254427 255408 25640 257277 257534 259470 267466 267694
            272838 273207 273250 275267 27v7Blr0vjw 28006 283935 286943 29751 2BuFtglEcaY
            2ItiGjefTRA 2Ky9DBSl49w 2QXHdu2zlQY 2W-U94hXuK0 2fbBrB1nJEQ 2m58ShI1QSI 2o2ljA0QD7g
            2vsgDSlJ9pU 2ze94yo2aPo 34cU3HO_hEA 35694 37NMbnd7r20 3At-BKm9eYk 3HyAaqre_Fk
            3IUVpwx23cY 3OYY5Tsz_2k 3REPHw7oLWo 3UOqbf_B_Yc 3WZ6R9B0PcU 3XShFTBsp_Q 3hOlJf_JQDs
            3odZe3AGilc 3wHE78v9zr4 41381 424SXFTCFsA 46495 46615 4EDblUpJieU 4YfyP0uIqw0
            4dAYMzRyndc 4o4ilPK9rl8 4t5k_yILGJM 4wLP4elp1uM 53609 53766 56989 59673 5eY4S1F62Z4
            5fKPJPFqPho 5lrDS7LluCA 5pxFqJ5hKMU 5vwXp27bCLw 5xa0Ac2krGs 61531 63951 67uKYi7mslE
            69824 6EDoVEm16fU 6EJHA6IDLNk 6RFVsOWK1m4 6brtMLkjjYk 6gtfeIqGasE 6uoM8-9d0zA 79356
            7IxmlIwqigw 7deoh0NoMs4 7f3ndBCx_JE 7idU7rR77Ss 7l3BNtSE0xc 7mb8Y2AhXIY 7npCA0zoQ8Q
            83400 86c2OkQ3_U8 88791 89ZmOPOilu4 8NPaDkOiXw4 8TDAP0KNIIw 8VhVf0TbjDA 8XZszYrUSCQ
            8i7u3fl-hP8 8jY_RhOS89o 8lfS97s2AKc 8wNr-NQImFg 8wQhzezNcUY 91844 92291 92496
            93iGT5oueTA 94481 97ENTofrmNo 9GzFQBljNIY 9Lr4i7bIB6w 9PzZSheh10U 9TAGpMywQyE
            9cYNT_YSo8o 9orb0lQnVW4 A1lFJXUpxZo AB1PbMaW03s AHiA9hohKr8 AQ4Pktv4-Gc AgH84SNRx5s
            AlJX3Jw3xKk An8x4UfwZ7k B9oeT0K92wU BJS5KCSowgU BR2pkk3TK-0 BRSyH6yfDLk BTjV5dU_rfY
            Bpy61RdLAvo C5-cY1nPQ20 CKqDDh50gcU CO2YoTZbUr0 CO6n-skQJss CU6U-gS76K4 CbRexsp1HKw
            ChhZna-aBK4 CwF97vXPYX4 DMtFQjrY7Hg DR65no1jCbg DVAY-u_cJWU DebbnL-_rnI DjcZrtcBZi4
            DlX-WyVe-D0 Dm8AL84e11w DnBHq5I52LM DtbT85s3i94 DzdPl68gV5o E1r0FrFyNTw EMS14J0odIE
            EO_5o9Gup6g EujJ0SwiCRE EyoMU2yoJPY F2hc2FLOdhI F7zQPzwFToE F8eQI8E-6q4 FHDVQkU-nGI
            FMenDv3y8jc F_YaG_pvZrA FqEekswKPWE GAVpYuhMZAw GK-Pprzh0t0 GKsjv42t284 GMa0cIAltnw
            GNP0PFas12Y GO0V4ZGSF28 GXIfrEUJ5d4 Gc_zIjqqUys GlShH_ua_GU GmpDbIstUdc H-74k5vclCU
            H9BNzzxlscA HA2AiTz-qxc HAnQVHOd3hg HFPGeaEPy9o HJTxq72GuMs HMRqR-P68Ws HR18U0yAlTc
            H_x5O9GdknI HbaycY0VuZk Hq3cHc6X8BM I9iV9q3ePhI IHp8hd1jm6k IIPYcCii7Sg IOpWjKAHG8Q
            IRSxo_XXArg Ie6sDptjAsU Iemw8vqt-54 JATMzuV6sUE JHJOK6cdW-0 JKueLneBoik JNhqI4JtPXA
            JXYot3NDQn0 Jz1oMq6l-ZM KB5hSnV1emg KRje7su4I5U KXsjl0DKgL0 KYQTwFVBzME KZzFCrEyKF0
            KanWhGY33Hk Kn5eKHlPD0k Kn99u05vlpA KrmVX-HANew Kyz32PTyP4I L-7oRnbi9-w L-a4Sh6iAcw
            LD3HYOwk1Bc LDKWr94J0wM LFOwCSiGOvw LJGL2sGvSS0 LcfubBagG6Q LpTbjgELALo LtlL-03S79Q
            LueQT0vY1zI LyOq9mOEPuk M6HKUzJNlsE MHVrwCEWLPI MHyW857u_X8 MLegxOZBGUc MM2qPdnRmQ8
            MSHBEntSDjU MYEyQUpMe3k MZUr1DfYNNw MtIklGnIMGo MvEw24PU2Ac N-NnCI6U52c N0d2JL7JC1s
            N2nCB34Am-E NIpuKcoJhGM NOGhjdK-rDI NVLPURuAVLU NaWmaHwjElo NgENhhXf0LE NiAjz4ciA60
            NlrCjfHELLE NoOt0oU843M NocexkPXja8 O-b3DQg0QmA O2ShYliS3CU O4UkHVJlIs8 OFia3dWgaoI
            OKJPFisBoPY OORklkFql3k OWWHjP3pX9o OXsTIPdytiw Oa2xVjzAMFc OaWYjsS02fk OctOcfI4KSs
            OyK86reBnJE P0UHzR4CmYg P17tYiqMGRU PHZIx22aFhU Pbu6oAKFCvo PcqKFt1p3UQ PexNiFbPTYM
            PzI6yY9Y2xQ QBc7X5jj8oA QCR7uyowjhM QIonRUsCqBs QJBQIOmG1CA QLI-OnegxFM QVyxySAaehE
            QWll4lS1qqI QXXexH-ow_k Qfa1fY_07bQ QnYlpSeVOYo R9xTBw3MCWI RB3HA-ZMtFw RChkXDS8ulE
            ROC2YI3tDsk RVC8l5hf2Eg Rb1uzHNcYcA RmX9t_HY_dU RsE2gYghZ2s RvmTZVNAAuQ SBFnCNzlynQ
            SD6wphlw72U SH0OYx3fR7s SKTyBOhDX6U SYQ_zv8dWng SZ7HK5ns6mE Sb6ftNgzz9M Sq6DIhFxPqQ
            SqAiJrvHXNA SqofxdeEcjg SwT0gh0V8fI TLPlduck5II TXiOSZdaLJ8 TcTGCIh6e5s TqQgIxR7thU
            TsfyeZ8hgwE TtAyUQtmTLk TxRtSItpGMo U-KihZeIfKI U6IqFbpM-VM U8VYG_g6yVE UNLD7eYPzfQ
            USkMa4Evv7U UTErYLpdAY0 UcV-bpksJi0 UiurP5k-f1A UjqA6KVW2m8 Uu_XyXyKHAk UweZVaFqruU
            V0SvSPkiJUY V27mmEkN80g V2X1NU5RkwY V7OFSHYcQD0 VDkBM0ZG4q8 VIVkYG31Oas VLQgw-88v4Q
            VS7xSvno7NA VVtx4IDsHZA VXy21GwGs8o Vdf1McvE9ao Vlas-mPydcg VsXGwSZazwA VwGPIUNayKM
            W1CWpktWtTs WBA79Q3e_PU WJM8u2I2rQ4 WQFRctNL8AA WbtsuXkaGeg WfNiQBXmPw8 WgI8IbJtXHw
            Wmhif6hmPTQ WoL4fCxGd8Q Wu-wQTmxRgo WuaoxGAKue0 X2Hs89fZ2-c X6N7UEFJLNY XDVit9ASVUg
            XKyumlBmix8 XLjpZUsFEXo XVWiAArXYpE XWIp0zH3qDM X_TusmBIlC0 Xa086gxLJ3Y XadAy93f1P8
            XbkYA-iXUwA XlTYSOaZ_vM XrNaL-MTjXg Xy57UpKRNEo Y2F51I-dzAg Y8dI1GTWCk4 YCEllKyaCrc
            YCI-ZzclIPQ YLK58srjhNI YQZPnHZRp1w YUNxD04EvfE YgyeyooSz0g YsMM_1R1vtw Z4iYSMMMycQ
            ZHUFlEgKk-w ZKErPftd--w ZKKNd0zR8Io ZKZ8UjaQQT4 ZS1Nb0OWYNE Zb7bdrjWyEY ZcFzcd4ZoMg
            ZeH7gZw94k0 ZsLrKF7_Oos ZtocGyL3Tfc ZznoGQVwTtw _0efYOjQYRc _1nvuNk7EFY _OmWVs0-6UM
            _WA0HtVEe8U _aJghSQmxD8 _on_E-ZWy0I _q7DM8WkzAQ a4PHWxILDp0 a8UMRrUjavI aa0J1AXSseY
            absh1hsZeF0 ahG9c_uaf8s an_GzG40hcE b86B3hP8ARM b92iw0OAnI4 bCBMKwafZKY bNQOeiAotbk
            bWmrrWQOVCM bdFCD-3BCRg bkX5FOX22Tw bnzVR2ETQQ8 bvycs3BXtx0 c5VEvmutmVg c5zxqITn3ZM
            c9hE1ghElrM cW-aX4dPVfk cX8FScpsfLE cY8DcaHXNNs cia8OM3Oe7Q cml9rShionM cn0WZ8-0Z1Y
            ctAZf4sMBUQ d-Uw_uZyUys d1CDP6sMuLA dHk--ExZbHs dR68gbeOWOc dTcz1am1eUw dZFV0lyedX4
            ddWHTdJz2O8 dlE05KC95uk dxsPkcG-Q30 eD5cScqaf6c eE8Qr9fOvVA eFV7iFPYZB4 eJfT7-dDqzA
            eKQKEi2-0Ws eQc5uI7FKCU eREud0qYR3s eUwbRLhV1vs ehZrOdw6PhA ex-dKshlXoY ey1lr8wFFDc
            ezuWKsxPRSM f-VdKweez2U f8Puta8k8fU fT6SrlsWV7M fU5AYkq0m9k fVCDn6SdtVM fWAKek8jA5M
            faUvT7zfsyk fcxbB7ybUfs fdc7iyzKvFQ fhADeWE5VgU frCWtiam4tE fsBzpr4k3rY fsd1qPLA3kY
            fz-MzQcOBwQ g6VJg6ycUk0 gE7kUqMqQ9g gJjkCPO7iXg gKojBrXHhUc gL8h7lOPv1Q gLTxaEcx41E
            gR3igiwaeyc gcFECfN4BCU gpn71-aKWwQ grsV1YN1z5s h1ZZHUU4j0k hBzw4r0kfjA hE-sA5umuCk
            hI7ObFqn9Bg hbJfSyJKBEA huzEsVEJPaY iFxFTtCQ6zA iPPp6MCythU iQDB_OkAQWs iXiMifHNKPI
            ihPjsliqz5o j1m6ctAgjsM jE3gYsxr_5s jLN6B0aSrW0 jPtaz1rN6lc jXQmVFcOiUI jZe-2w7pkd8
            jj8aSNPHMw8 jqutn5ou8_0 jscKL5jS-SQ k1BrzX5bc7U k8yDywC4gt8 kI6jzM_aLGs kLAXmTx2xOA
            kXhJ3hHK9hQ kXiBdruxTvE kaudsLIvYC8 kbRtSmJM5aU kg-W6-hP2Do kld9r0iFkWM kmgsC68hIL8
            kpS4BXif_Sw ktblaVOnFVE l0vCKpk6Aes l1jW3OMXUzs l4oMbKDuW3Y lD4xtQ6NpDY lO6N9dyvPTA
            lYwgLa4R5XQ lc5bSoGlQwY lkIe41StoGI lkeVfgI0eEk lrjm6F3JJgg lwL4hjhkid4 lxBKEPIUSgc
            m-7yRWZLwLY mRqqH_gx7Q0 mVnqP-vLpuo mZ_8em_-CGc mfpR4CN9LZo mgsvwAVQAQo mmg_eTDHjkk
            mzAu5gxjE-w nFTo-Lz4Fr8 nTZSH0EwpnY nXWNHVZtV9A nZFPKP9kBkw naZi9AusrW4 namehdJxRIM
            nbru7qLot04 o2XbNJDpOlc oBS-IW-BO00 oGFDE-6nd7Q oH9fMma8jiQ oHff2W51wZ8 oPlnhc0DkcU
            oQizLbmte0c oZxMx8e0x2U obGF3RfWQKE ossKC1VrusE ozA7pRW4gFM p1zqEGwRMI8 p4WmcxrXkc4
            p7zuPEZgtY4 pDRdCSIyjkA pIaEcqnzI-s pQpy7RSfWzM pSxte-ms0t8 pZye4zFzk3o pnpFPX34Agk
            pvIQWWiT4-0 q17gSr9kNww q5M1God4M6Y qAip3lZRj-g qBanrqkzobg qDfSYz0PX9g qEuJj4uW93E
            qTkazqluJ_I qgC8_emxSIU qyqVc352g3Q r46amqjpWgg rC29Qub0U7A rcfnqiD0y8o rePYTlT5_AY
            rhQB8e999-Q ryE9VBiR3p8 sIusv36VoBY sfaWfZ2-4c0 skRqBxLLJkE svsbGQn389o tC2KicUHB9Q
            tNd3--lvSXE tO68uTk-T_E tW5xAWDnbGU tZDNinnrGf8 teQqaAmqqx0 tnWmVXZ87h0 ttfaZ8IIWCo
            tymso_pAxhk u9I5WD3Nglk u9ZV8jb_-U0 uVM4JWjfGgQ um8WVjZMLUc unOeTDc2rlY uogwnZGb-iE
            ussfmzwftQ8 vB_kZocHtYo vGkIaClHKDg vGxqVh_kJdo vI5JH0daNsM vJDDEuE-FlY vR90Pdx9wxs
            vTAV6FThy30 v_8QeoNc4QY veA6ECsGFxI wC_1M7KIv9s wHeZHLv9wGI wO8fUOC4OSE wd8VQ5E7o7o
            wk5lFk5kFjY wnL3ld9bM2o wznRBN1fWj4 x0rLwBIocuI x266rUJQC_8 x2n19Cn96aw x8UZQkN52o4
            xBE9YWYGjtk xSCvspXYU9k xU3N7ujUB-g xXXcgb9eZ9Y xkEK17UUyi4 xmLJHru6Z1M xobMRm5Vs44
            xwvSYhQrHoA y3r2kk8zvl0 y5Jpf48SUX8 yBtMwyQFXwA yCpHmPSshKY yLo-Jl8nBXU ySblgk7T7eQ
            yUqNp-poh9M yXE_XZUb8qE ybK5wRaaUyE ydzNAuqUAnc yoDMh8FlHR8 yzCHa2qchpg z0y1ZxH1f74
            z441aDJvAcU zfZUOvZZTuk zhNksSReaQk zvZd3V5D5Ik
        """,
    },
}
