//! The kernel's interfaces and addresses: what is there, what we want there, and the difference.
//!
//! The inventory is pure. The edge (`monitor`, `apply`) runs on the kernel worker's thread, never on the VRRP
//! thread: a netlink request sleeps while somebody else holds the RTNL lock.
