# How libbitcoinkernel is compiled (read through .cargo/config.toml by the build script of libbitcoinkernel-sys, which
# asks for RelWithDebInfo). Debug information and -O2 double the time of a first build; scripts and signatures are checked
# by libsecp256k1, whose C code keeps -O2. Asserts stay on: Core needs them.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1" CACHE STRING "C++ flags of the embedded node")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2" CACHE STRING "C flags of the embedded node")
